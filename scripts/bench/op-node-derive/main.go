// Decodes one channel with op-node's own code, again and again, and prints the times: the reference of `npm run bench -- derive`.
// Arguments: channel file, L2 chain id, L2 genesis time, block time, warm-ups, runs.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/ethereum-optimism/optimism/op-node/rollup"
	"github.com/ethereum-optimism/optimism/op-node/rollup/derive"
	"github.com/ethereum/go-ethereum/crypto"
)

// What a channel may decompress to, from Fjord on.
const rlpBytesPerChannelMax = 100_000_000

type result struct {
	Go        string    `json:"go"`
	Batches   int       `json:"batches"`
	Blocks    int       `json:"blocks"`
	Txs       int       `json:"txs"`
	TxsKeccak string    `json:"txsKeccak"`
	Ms        []float64 `json:"ms"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 7 {
		return errors.New("usage: op-node-derive CHANNEL_FILE CHAIN_ID GENESIS_TIME BLOCK_TIME WARM_UPS RUNS")
	}
	channel, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	var numbers [5]uint64
	for i := range numbers {
		if numbers[i], err = strconv.ParseUint(os.Args[2+i], 10, 63); err != nil {
			return err
		}
	}
	warmUps, runs := int(numbers[3]), int(numbers[4])
	cfg := &rollup.Config{
		BlockTime: numbers[2],
		L2ChainID: new(big.Int).SetUint64(numbers[0]),
		Genesis:   rollup.Genesis{L2Time: numbers[1]},
	}
	out := result{Go: runtime.Version()}
	for i := 0; i < warmUps+runs; i++ {
		begin := time.Now()
		batches, spans, err := decode(channel, cfg)
		took := time.Since(begin)
		if err != nil {
			return err
		}
		if i >= warmUps {
			out.Ms = append(out.Ms, float64(took.Nanoseconds())/1e6)
			continue
		}
		out.Batches, out.Blocks, out.Txs, out.TxsKeccak = batches, 0, 0, ""
		hash := crypto.NewKeccakState()
		for _, span := range spans {
			out.Blocks += len(span.Batches)
			for _, block := range span.Batches {
				out.Txs += len(block.Transactions)
				for _, tx := range block.Transactions {
					hash.Write(tx)
				}
			}
		}
		out.TxsKeccak = fmt.Sprintf("0x%x", hash.Sum(nil))
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// From compressed bytes to every block with its signed transactions encoded, as ChannelInReader does it.
func decode(channel []byte, cfg *rollup.Config) (int, []*derive.SpanBatch, error) {
	next, err := derive.BatchReader(bytes.NewReader(channel), rlpBytesPerChannelMax, true)
	if err != nil {
		return 0, nil, err
	}
	var spans []*derive.SpanBatch
	batches := 0
	for {
		batch, err := next()
		if errors.Is(err, io.EOF) {
			return batches, spans, nil
		}
		if err != nil {
			return 0, nil, err
		}
		batches++
		if batch.GetBatchType() != derive.SpanBatchType {
			continue
		}
		span, err := derive.DeriveSpanBatch(batch, cfg)
		if err != nil {
			return 0, nil, err
		}
		spans = append(spans, span)
	}
}

import { resolve } from 'node:path'
import { systemClock } from '../../common/clock.ts'
import { UsageError } from '../../common/errors.ts'
import { asCount, asDurationMs, asPort, asText, asUrl } from '../../common/flag-parsers.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { bytesToHex, parseQuantity } from '../../protocol/bytes.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { keyFlags } from '../money/money-flags.ts'
import { asOpen } from '../money/parsers.ts'
import { asAddresses, asList } from '../worker/lists.ts'

const rpcTimeoutMs = 20_000

export const proxy = defineCommand({
  summary:
    "Serves OpenAI's endpoints on this machine and pays workers for the answers: holds the payer's key, signs a voucher for each request under a daily cap, picks a worker, checks what it signs, tells what it cost.",
  flags: {
    datadir: { help: 'directory of what was promised; of this payer alone', value: 'DIR', parse: asText },
    l2: { help: 'eth_ JSON-RPC of a node of the L2', value: 'URL', parse: asUrl },
    models: {
      help: 'folders with the model files (.olm) whose tokenizers are needed',
      value: 'DIR,…',
      parse: asList,
      many: true,
    },
    'http.addr': { help: 'address of the endpoint', value: 'HOST', parse: asText, default: '127.0.0.1' },
    'http.port': { help: 'its port; 0: any free one', value: 'PORT', parse: asPort, default: '8081' },
    'p2p.static': {
      help: 'workers and checkers to stay connected to: multiaddrs ending in /p2p/PEER_ID',
      value: 'MULTIADDR,…',
      parse: asList,
      many: true,
    },
    'p2p.listen.ip': {
      help: 'address of the host in the network of workers',
      value: 'IP',
      parse: asText,
      default: '127.0.0.1',
    },
    'p2p.listen.tcp': { help: 'its TCP port; 0: any free one', value: 'PORT', parse: asPort, default: '0' },
    checkers: {
      help: 'accounts whose verdicts count against a worker',
      value: 'ADDRESS,…',
      parse: asAddresses,
      many: true,
      default: '',
    },
    class: { help: 'proof class of the requests', value: 'N', parse: asCount, default: '1' },
    'answer.time': {
      help: 'time that a worker has, with what it takes to settle',
      value: 'DURATION',
      parse: asDurationMs,
      default: '10m',
    },
    'daily-cap': { help: 'most that vouchers may promise in a UTC day', value: 'OPEN', parse: asOpen, default: '10' },
    deposit: {
      help: 'put into the channel of a worker that is short; 0: never',
      value: 'OPEN',
      parse: asOpen,
      default: '0',
    },
    ...keyFlags,
  },
  run: async ({ flags, log, signal, print }) => {
    const { datadir, l2, models } = flags
    if (datadir === undefined) throw new UsageError('--datadir is required')
    if (l2 === undefined) throw new UsageError('--l2 is required')
    if (models === undefined) throw new UsageError('--models is required')
    const staticPeers = flags['p2p.static']
    if (staticPeers === undefined) throw new UsageError('--p2p.static is required: where workers or checkers are')
    // Loaded when it is known what is wanted: help and wrong flags need none of it.
    const [{ openProxy }, { readKey }] = await Promise.all([import('./proxy.ts'), import('../money/chain.ts')])
    const rpc = new HttpRpcClient({ url: l2, timeoutMs: rpcTimeoutMs, signal })
    const key = await readKey(flags, parseQuantity(await rpc.request('eth_chainId')))
    if (key === undefined)
      throw new UsageError('who pays? Set OPENLEDGER_PRIVATE_KEY, or give --keystore or --dev-account')
    const running = await openProxy(
      {
        ...{ dataDir: resolve(datadir), l2Url: l2, privateKey: bytesToHex(key), modelDirs: models, staticPeers },
        listen: { host: flags['http.addr'], port: flags['http.port'] },
        p2p: { listenIp: flags['p2p.listen.ip'], listenPort: flags['p2p.listen.tcp'] },
        ...{ checkers: flags.checkers, proofClass: flags.class },
        answerSeconds: Math.ceil(flags['answer.time'] / 1_000),
        ...{ dailyCap: flags['daily-cap'], deposit: flags.deposit },
      },
      { clock: systemClock, log },
    )
    try {
      print(`http://${flags['http.addr']}:${running.port}/v1 pays as ${running.payer}`)
      await running.run(signal)
    } finally {
      await running.close()
    }
    return exitCodes.ok
  },
})

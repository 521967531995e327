import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkBridge } from '../../cli/dev/bridge-check.ts'
import { systemClock } from '../../common/clock.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { devRoles } from '../../genesis/presets.ts'
import { hasAnvil } from '../fakes/anvil.ts'
import { DevNet, type DevNode } from '../fakes/dev-net.ts'

const lagSeconds = 10
/** No role sends from it. */
const bridgeUser = 9

describe.skipIf(!hasAnvil)('deposit and withdrawal over anvil (skipped without its binary)', () => {
  let net: DevNet
  let sequencer: DevNode

  beforeAll(async () => {
    const started = Math.floor(Date.now() / 1000) - lagSeconds
    net = await DevNet.start(['--block-time', '1', '--timestamp', String(started)])
    sequencer = await net.node(
      net.sequencerOptions('sequencer', {
        proposer: {
          key: devPrivateKeys[devRoles.proposer],
          outputOracle: net.addresses.l2OutputOracle,
          pollIntervalMs: 300,
          allowNonFinalized: true,
        },
      }),
    )
  })
  afterAll(() => net.stop())

  test('a withdrawal is finalised on an L1 whose time lags behind ours, after its window and not before', async () => {
    const { optimismPortal, l2OutputOracle, multicall3 } = net.addresses
    const result = await checkBridge(
      {
        l1Url: net.anvil.url,
        l2Url: `http://127.0.0.1:${sequencer.running.ports.eth}`,
        l1ChainId: Number(net.rollupConfig.l1ChainId),
        l2ChainId: Number(net.rollupConfig.l2ChainId),
        portal: optimismPortal,
        outputOracle: l2OutputOracle,
        multicall3,
        privateKey: devPrivateKeys[bridgeUser],
      },
      { clock: systemClock, signal: new AbortController().signal, progress: () => {} },
    )
    const receipt = await net.anvil.rpc.request('eth_getTransactionReceipt', [result.finalizeL1Hash])
    expect(receipt).toMatchObject({ status: '0x1' })
  }, 120_000)
})

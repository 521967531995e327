import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { devPrivateKeys } from '../../../common/dev-keys.ts'
import { HttpRpcClient } from '../../../common/json-rpc.ts'
import { deployL1Contracts } from '../../../genesis/deploy-l1.ts'
import { devPreset } from '../../../genesis/presets.ts'

const anvil = anvilBinary()
const options = { deployerKey: devPrivateKeys[0], config: devPreset() }

describe.skipIf(anvil === undefined)('L1 deployment on anvil (skipped where its binary is not installed)', () => {
  let process: ChildProcess
  let rpcUrl = ''
  let rpc: HttpRpcClient

  beforeAll(async () => {
    const port = await freePort()
    rpcUrl = `http://127.0.0.1:${port}`
    rpc = new HttpRpcClient({ url: rpcUrl, timeoutMs: 5_000 })
    process = spawn(anvil ?? '', ['--port', String(port), '--silent'], { stdio: 'ignore' })
    await waitForRpc(rpc)
  })

  afterAll(() => {
    process.kill('SIGKILL')
  })

  test('an interrupted deployment goes on where it ended, and a complete one sends nothing', async () => {
    const steps: string[] = []
    const interrupted = deployL1Contracts({
      ...options,
      rpcUrl,
      onProgress: (step) => {
        steps.push(step)
        if (steps.length === 3) throw new Error('killed')
      },
    })
    await expect(interrupted).rejects.toThrow('killed')

    const second: string[] = []
    const deployed = await deployL1Contracts({ ...options, rpcUrl, onProgress: (step) => second.push(step) })
    expect(second).not.toContain(steps[0])
    expect(second).toContain(steps[2])
    for (const address of Object.values(deployed.addresses)) {
      expect(await rpc.request('eth_getCode', [address, 'latest'])).not.toBe('0x')
    }

    const nonce = await rpc.request('eth_blockNumber')
    expect(await deployL1Contracts({ ...options, rpcUrl })).toEqual(deployed)
    expect(await rpc.request('eth_blockNumber')).toBe(nonce)
  })

  test('a wrong chain id is refused before anything is sent', async () => {
    const config = { ...options.config, l1ChainId: 1n }
    await expect(deployL1Contracts({ ...options, config, rpcUrl })).rejects.toThrow('chain id 31337')
  })
})

function anvilBinary(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve('@foundry-rs/anvil-linux-amd64/bin/anvil')
  } catch {
    return undefined
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  const address = server.address()
  await new Promise((done) => server.close(done))
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function waitForRpc(rpc: HttpRpcClient): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if ((await rpc.request('eth_chainId').catch(() => undefined)) !== undefined) return
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error('anvil did not start')
}

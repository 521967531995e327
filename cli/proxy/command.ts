import { systemClock } from '../../common/clock.ts'
import { UsageError } from '../../common/errors.ts'
import { asDurationMs, asPort, asSwitch, asText } from '../../common/flag-parsers.ts'
import { privateClass } from '../../protocol/private-tokens.ts'
import { fingerprintClass } from '../../protocol/proof-class.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { asOpen, asProofClass, asUint64 } from '../money/parsers.ts'
import { asAddresses, asList } from '../worker/lists.ts'
import { listenFlags, processFlags, readProcess } from '../worker/process-flags.ts'

export const proxy = defineCommand({
  summary:
    "Serves OpenAI's endpoints on this machine and pays workers for the answers: holds the payer's key, signs a voucher for each request under a daily cap, picks a worker, checks what it signs, tells what it cost.",
  flags: {
    ...processFlags,
    'http.addr': { help: 'address of the endpoint', value: 'HOST', parse: asText, default: '127.0.0.1' },
    'http.port': { help: 'its port; 0: any free one', value: 'PORT', parse: asPort, default: '8081' },
    'p2p.static': {
      help: 'workers and checkers to stay connected to: multiaddrs ending in /p2p/PEER_ID',
      value: 'MULTIADDR,…',
      parse: asList,
      many: true,
    },
    ...listenFlags('127.0.0.1', 0),
    checkers: {
      help: 'accounts whose verdicts count against a worker',
      value: 'ADDRESS,…',
      parse: asAddresses,
      many: true,
      default: '',
    },
    class: { help: 'proof class of the requests', value: 'N', parse: asProofClass, default: '1' },
    private: {
      help: 'seals prompts and answers for the worker, so that neither is in any batch: needs --class 0',
      value: 'true|false',
      parse: asSwitch,
      default: 'false',
    },
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
    'app-code': { help: 'app code that requests name: its builder share goes there', value: 'TEXT', parse: asText },
    agent: {
      help: 'the agent that the key is one of: spends from its purse within its limits, and writes each paid answer into its trail',
      value: 'ID',
      parse: asUint64,
    },
    trail: { help: 'trail of the agent that is gone on with; absent: a new one', value: 'FILE', parse: asText },
    'canary.interval': {
      help: 'mean time between two tests of workers: an answer of before is made again here, and its question asked of any worker once more, paid as others; 0s: none',
      value: 'DURATION',
      parse: asDurationMs,
      default: '0s',
    },
  },
  run: async ({ flags, log, signal, print }) => {
    const staticPeers = flags['p2p.static']
    if (staticPeers === undefined) throw new UsageError('--p2p.static is required: where workers or checkers are')
    if (flags.trail !== undefined && flags.agent === undefined) throw new UsageError('--trail needs --agent')
    if (flags.private && flags.class !== privateClass) {
      throw new UsageError(
        `--private needs --class ${privateClass}: other classes need tokens that anybody can run again`,
      )
    }
    if (flags.class === fingerprintClass && flags['canary.interval'] > 0) {
      throw new UsageError(
        `--class ${fingerprintClass} and --canary.interval: no two float engines give the same answer, so that no worker could be told from a liar`,
      )
    }
    if (flags.private && flags['canary.interval'] > 0) {
      throw new UsageError('--private and --canary.interval: what is tested is made again from public data')
    }
    const process = await readProcess({ flags, signal }, 'who pays?')
    // Loaded when it is known what is wanted: help and wrong flags need none of it.
    const { openProxy } = await import('./proxy.ts')
    const { keccakHex } = await import('../../protocol/keccak.ts')
    const code = flags['app-code']
    const running = await openProxy(
      {
        ...{ ...process, staticPeers },
        listen: { host: flags['http.addr'], port: flags['http.port'] },
        p2p: { listenIp: flags['p2p.listen.ip'], listenPort: flags['p2p.listen.tcp'] },
        ...{ checkers: flags.checkers, proofClass: flags.class, isPrivate: flags.private },
        answerSeconds: Math.ceil(flags['answer.time'] / 1_000),
        ...{ dailyCap: flags['daily-cap'], deposit: flags.deposit, canaryMs: flags['canary.interval'] },
        appCode: code === undefined ? undefined : keccakHex(new TextEncoder().encode(code)),
        agent: flags.agent === undefined ? undefined : { id: flags.agent, trail: flags.trail },
      },
      { clock: systemClock, log },
    )
    try {
      print(`http://${flags['http.addr']}:${running.port}/v1 pays as ${running.payer}`)
      if (running.trail !== undefined) print(`answers are written into ${running.trail}`)
      await running.run(signal)
    } finally {
      await running.close()
    }
    return exitCodes.ok
  },
})

import { describe, expect, test } from 'vitest'
import { asCount, asDurationMs, asPort, asSwitch, asText, asUrls } from '../../common/flag-parsers.ts'
import { type FlagTable, flagHelp, parseFlags } from '../../common/flags.ts'

const table = {
  l1: { help: 'L1', value: 'URL', parse: asUrls, many: true },
  'rpc.port': { help: 'port', value: 'PORT', parse: asPort, default: '9545' },
  'sequencer.enabled': { help: 'sequence', parse: asSwitch, default: 'false' },
  'batcher.private-key': { help: 'key', value: 'HEX', parse: asText, envOnly: true },
} as const satisfies FlagTable

const parse = (argv: string[], env: Record<string, string> = {}, config?: Record<string, unknown>) =>
  parseFlags(table, { argv, env, ...(config === undefined ? {} : { config }) })

describe('flags', () => {
  test('argv beats environment beats config file beats default', () => {
    expect(parse([]).values['rpc.port']).toBe(9545)
    expect(parse([], {}, { 'rpc.port': 1 }).values['rpc.port']).toBe(1)
    expect(parse([], { OPENLEDGER_RPC_PORT: '2' }, { 'rpc.port': 1 }).values['rpc.port']).toBe(2)
    expect(parse(['--rpc.port', '3'], { OPENLEDGER_RPC_PORT: '2' }).values['rpc.port']).toBe(3)
  })

  test('a switch needs no value and a repeated list flag adds up', () => {
    const { values, positionals } = parse(['--sequencer.enabled', 'dir', '--l1=http://a', '--l1', 'http://b,http://c'])
    expect(values['sequencer.enabled']).toBe(true)
    expect(values.l1).toEqual(['http://a', 'http://b', 'http://c'])
    expect(positionals).toEqual(['dir'])
  })

  test('a secret on the command line is refused and never echoed', () => {
    expect(() => parse(['--batcher.private-key', '0xsecret'])).toThrow(/set OPENLEDGER_BATCHER_PRIVATE_KEY/)
    expect(parse([], { OPENLEDGER_BATCHER_PRIVATE_KEY: '0x1' }).values['batcher.private-key']).toBe('0x1')
  })

  test.each([
    [['--rpc.port', '70000'], /--rpc.port "70000": must be a port/],
    [['--rpc.prot', '1'], /unknown flag --rpc.prot/],
    [['--rpc-port', '1'], /did you mean --rpc.port/],
    [['--rpc.port'], /needs a value: PORT/],
    [['--rpc.port', '1', '--rpc.port', '2'], /given twice/],
    [['--l1', 'ftp://x'], /http/],
  ])('%j is a usage error', (argv, message) => {
    expect(() => parse(argv)).toThrow(message)
  })

  test('an unknown option in a config file is named', () => {
    expect(() => parse([], {}, { 'rpc.portt': 1 })).toThrow(/rpc.portt/)
  })

  test('help shows the environment name of a secret instead of a flag', () => {
    expect(flagHelp(table).join('\n')).toContain('OPENLEDGER_BATCHER_PRIVATE_KEY')
    expect(flagHelp(table).join('\n')).not.toContain('--batcher.private-key')
  })

  test.each([
    ['500ms', 500],
    ['12s', 12_000],
    ['12', 12_000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
  ])('duration %s', (text, ms) => {
    expect(asDurationMs(text)).toBe(ms)
  })

  test('counts refuse signs, fractions and exponents', () => {
    for (const text of ['-1', '1.5', '1e3', '', ' 1']) expect(() => asCount(text)).toThrow()
  })
})

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Command } from '../../cli/command.ts'
import { command } from '../../cli/commands/model.ts'
import { parseFlags } from '../../common/flags.ts'
import { silentLog } from '../../common/log.ts'
import { encodeConfig } from '../../inference/model-config.ts'
import { decodeModel } from '../../inference/model-file.ts'
import { ggufCheckpoint, hfCheckpoint, peftConfigJson, peftTensors } from '../fakes/checkpoints.ts'
import { safetensorsFile } from '../fakes/model-files.ts'
import { randomFloatModel } from '../fakes/random-float-model.ts'

const folder = mkdtempSync(join(tmpdir(), 'openledger-model-'))
const path = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

const shape = { vocab: 277, dim: 48, ffnDim: 80, layers: 2, heads: 4, kvHeads: 2, headDim: 16 }
const float = randomFloatModel(6, true, shape)

/** Runs an action as the program does; what it prints, its exit code, or the error. */
async function run(action: string, argv: readonly string[], signal = new AbortController().signal) {
  const { flags: table, run: start } = (command.actions as Record<string, Command>)[action] as Command
  const { values: flags, positionals, given } = parseFlags(table, { argv, env: {} })
  const lines: string[] = []
  const print = (line: string) => void lines.push(line)
  const code = await start({ flags, given, positionals, env: {}, log: silentLog, signal, print })
  return { code, text: lines.join('\n') }
}

const rootOf = (text: string) => /root (0x[0-9a-f]{64})/.exec(text)?.[1] ?? ''

describe('openledger model', () => {
  let root = ''
  beforeAll(async () => {
    mkdirSync(path('hf'))
    for (const [name, bytes] of hfCheckpoint(float, 'F32', 2)) writeFileSync(join(path('hf'), name), bytes)
    writeFileSync(path('x.gguf'), ggufCheckpoint(float))
    const { code, text } = await run('convert', [path('hf'), '--out', path('x.olm'), '--calibration-tokens', '60'])
    expect(code).toBe(0)
    root = rootOf(text)
  })

  test('the same weights from a GGUF and from a directory give the same root, and leave nothing half-written', async () => {
    const { text } = await run('convert', [path('x.gguf'), '--out', path('y.olm'), '--calibration-tokens', '60'])
    expect(rootOf(text)).toBe(root)
    expect(readFileSync(path('y.olm'))).toEqual(readFileSync(path('x.olm')))
    const other = await run('convert', [path('x.gguf'), '--out', path('z.olm'), '--calibration-tokens', '10'])
    expect(rootOf(other.text)).not.toBe(root)
    expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([])
  })

  test('a model with its root is verified, with its list or without', async () => {
    expect(await run('verify', [path('x.olm')])).toEqual({ code: 0, text: expect.stringContaining('as expected') })
    expect((await run('verify', [path('x.olm'), '--root', root])).code).toBe(0)
    const wrong = await run('verify', [path('z.olm'), '--root', root, '--sections', path('x.olm.json')])
    expect(wrong.code).toBe(1)
    expect(wrong.text).toContain('section 0.query has root')
    expect(wrong.text).not.toContain('section embedding ')
    await expect(run('verify', [path('x.olm'), '--root', `0x${'1'.repeat(64)}`])).rejects.toThrow(
      'no list of the sections',
    )
  })

  test('a changed byte is found in its section, a file that is cut is named as such', async () => {
    const bytes = readFileSync(path('x.olm'))
    const config = encodeConfig(decodeModel(bytes).config)
    const spoilt = Buffer.from(bytes)
    spoilt[bytes.indexOf(config) + 7] = 1
    writeFileSync(path('spoilt.olm'), spoilt)
    const list = ['--sections', path('x.olm.json')]
    expect(await run('verify', [path('spoilt.olm'), ...list])).toEqual({
      code: 1,
      text: expect.stringContaining('section config has root'),
    })
    writeFileSync(path('cut.olm'), bytes.subarray(0, -1))
    expect((await run('verify', [path('cut.olm'), ...list])).text).toContain('cut off')
    writeFileSync(path('other.olm'), 'no model')
    expect((await run('verify', [path('other.olm'), ...list])).text).toContain('not a model file')
  })

  test('quality is told on a text, and another model is not taken for its source', async () => {
    writeFileSync(path('text'), 'the thin line in the middle')
    const { text } = await run('quality', [path('x.olm'), '--float', path('hf'), '--text', path('text')])
    expect(text).toMatch(/perplexity +float \d+\.\d+, integer \d+\.\d+ \([+-]\d\.\d\d %\)/)
    expect(text).toMatch(/same first token +(100|9\d|8\d)\.\d\d %/)
    writeFileSync(path('long.gguf'), ggufCheckpoint({ ...float, config: { ...float.config, eos: 3 } }))
    const other = run('quality', [path('x.olm'), '--float', path('long.gguf'), '--text', path('text')])
    await expect(other).rejects.toThrow("the float model's eos is 3, the model file's 1")
  })

  test('a prompt is answered, the same with the same seed, and ends where it is told to', async () => {
    const flags = [path('x.olm'), '--prompt', 'in the', '--max-tokens', '8']
    const plain = [...flags, '--template', 'plain']
    const sampled = [...plain, '--temperature', '1.5']
    const [first, again, other] = [
      await run('run', sampled),
      await run('run', sampled),
      await run('run', [...sampled, '--seed', 'b']),
    ]
    expect(first.code).toBe(0)
    expect(again.text).toBe(first.text)
    expect(other.text).not.toBe(first.text)
    expect((await run('run', plain)).text.length).toBeGreaterThan(0)
    await expect(run('run', [...flags, '--template', 'chatml'])).rejects.toThrow('bos is not <|im_start|>')
    await expect(run('run', [...flags, '--template', 'llama3'])).rejects.toThrow('<|start_header_id|>')
  })

  test('an adapter of PEFT is converted for its base, moves its answers, and fits no other model', async () => {
    mkdirSync(path('lora'))
    const written = [
      ...peftTensors(['0.self_attn.q_proj'], { rank: 8, rows: 64, columns: 48 }),
      ...peftTensors(['1.mlp.up_proj'], { rank: 8, rows: 80, columns: 48 }),
    ]
    writeFileSync(path('lora/adapter_config.json'), JSON.stringify(peftConfigJson(8)))
    writeFileSync(path('lora/adapter_model.safetensors'), safetensorsFile(written, 'F32'))
    const { text } = await run('convert-adapter', [
      path('lora'),
      ...['--base', path('x.olm'), '--float', path('hf'), '--out', path('x.ola')],
    ])
    expect(text).toContain(`base ${root}`)
    const flags = ['--prompt', 'in the', '--template', 'plain', '--max-tokens', '40', '--temperature', '1']
    const [plain, adapted] = [
      await run('run', [path('x.olm'), ...flags]),
      await run('run', [path('x.olm'), ...flags, '--adapter', path('x.ola')]),
    ]
    expect(adapted.text).not.toBe(plain.text)
    const elsewhere = run('run', [path('z.olm'), ...flags, '--adapter', path('x.ola')])
    await expect(elsewhere).rejects.toThrow('x.ola is refused')
  })

  test('what a node without weights needs is made of a file, and of no other than the one asked for', async () => {
    const pools = path('pools')
    const wrong = await run('pool', [path('z.olm'), '--pools', pools, '--root', root])
    expect(wrong).toEqual({ code: 1, text: expect.stringContaining(`not ${root}`) })
    expect(readdirSync(join(pools, root.slice(2)))).toEqual([])
    const made = await run('pool', [path('x.olm'), '--pools', pools])
    expect(made).toEqual({ code: 0, text: expect.stringContaining(`root ${root}, 64 pairs`) })
    expect(readdirSync(join(pools, root.slice(2)))).toHaveLength(66)
  })

  test('what a file holds is shown', async () => {
    const { text } = await run('inspect', [path('x.olm'), '--sections', 'true'])
    expect(text).toContain(root)
    expect(text).toMatch(/vocab +277/)
    expect(text).toMatch(/1\.down\.scales +192 0x/)
  })

  test('a conversion that fails or is stopped leaves no file', async () => {
    const stopped = run('convert', [path('x.gguf'), '--out', path('stopped.olm')], AbortSignal.abort())
    await expect(stopped).rejects.toThrow()
    const nan = {
      ...float,
      layers: float.layers.with(1, {
        ...float.layers[1],
        attentionNorm: new Float32Array(48).fill(Number.NaN),
      } as never),
    }
    writeFileSync(path('nan.gguf'), ggufCheckpoint(nan))
    const failed = run('convert', [path('nan.gguf'), '--out', path('nan.olm')])
    await expect(failed).rejects.toThrow('blk.1.attn_norm.weight: element 0 is NaN')
    expect(readdirSync(folder).filter((name) => /stopped|nan\.olm/.test(name))).toEqual([])
  })

  test.each([
    ['convert', ['nowhere.gguf', '--out', 'x'], 'nowhere.gguf cannot be read'],
    ['convert', ['x.gguf'], '--out is required'],
    ['convert', ['--out', 'x'], 'give a GGUF file or a checkpoint directory'],
    ['convert', ['hf/model.safetensors', '--out', 'x'], 'cannot be read'],
    ['verify', [], 'give a model file'],
    ['run', ['x.olm'], '--prompt is required'],
    ['quality', ['x.olm'], '--float and --text are required'],
    ['pool', ['x.olm'], 'give --pools'],
    ['inspect', ['nowhere.olm'], 'nowhere.olm cannot be read'],
  ] as const)('%s %j says what is missing', async (action, argv, message) => {
    const inFolder = argv.map((word) => (/^(x\.|hf|nowhere)/.test(word) ? path(word) : word))
    await expect(run(action, inFolder)).rejects.toThrow(message)
  })
})

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

  test('what is exported is read as a checkpoint, and its adapter as PEFT’s for it, and for no other model', async () => {
    expect((await run('export', [path('x.olm'), '--out', path('back')])).code).toBe(0)
    copyFileSync(path('hf/tokenizer.json'), path('back/tokenizer.json'))
    writeFileSync(path('text'), 'the thin line in the middle')
    const { text } = await run('quality', [path('x.olm'), '--float', path('back'), '--text', path('text')])
    expect(text).toMatch(/perplexity +float \d+\.\d+, integer \d+\.\d+ \([+-]0\.\d\d %\)/)
    const ours = ['--adapter', path('x.ola'), '--out', path('peft')]
    expect((await run('export', [path('x.olm'), ...ours])).code).toBe(0)
    const again = ['--base', path('x.olm'), '--float', path('back'), '--out', path('again.ola')]
    expect((await run('convert-adapter', [path('peft'), ...again])).text).toContain(`base ${root}`)
    await expect(run('export', [path('z.olm'), ...ours])).rejects.toThrow('x.ola')
    await expect(run('export', [path('x.olm')])).rejects.toThrow('--out is required')
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

  describe('train', () => {
    const data = [
      ...['one two three one two three', 'four five six four five six'].map((text) => ({ text, contribution: '7' })),
      { prompt: 'one?', answer: 'two three four' },
    ]
    const flags = ['--length', '24', '--steps', '6', '--batch', '2', '--rate', '0.01']
    beforeAll(() => writeFileSync(path('data.jsonl'), data.map((line) => JSON.stringify(line)).join('\n')))

    test('the same model, data and flags give the same adapter, record and sketches; run takes it', async () => {
      const argv = [path('x.olm'), '--data', path('data.jsonl'), '--held-out', path('data.jsonl'), ...flags]
      const one = await run('train', [...argv, '--out', path('one.ola')])
      const two = await run('train', [...argv, '--out', path('two.ola')])
      expect(one.code).toBe(0)
      expect(one.text).toMatch(/held out: \d+\.\d{4} nats a token before, \d+\.\d{4} after/)
      expect(rootOf(two.text)).toBe(rootOf(one.text))
      for (const end of ['', '.json', '.sketches', '.olt']) {
        expect(readFileSync(path(`two.ola${end}`))).toEqual(readFileSync(path(`one.ola${end}`)))
      }
      const record = JSON.parse(readFileSync(path('one.ola.json'), 'utf8'))
      expect(record).toMatchObject({ base: root, contributions: 2, adapter: rootOf(one.text), sketches: { fold: 2 } })
      const answered = await run('run', [
        path('x.olm'),
        '--prompt',
        'one',
        '--max-tokens',
        '2',
        '--adapter',
        path('one.ola'),
      ])
      expect(answered.code).toBe(0)
    })

    test('stopped before its first step it keeps its state, and goes on to the same adapter', async () => {
      const argv = [path('x.olm'), '--data', path('data.jsonl'), '--state', path('state'), ...flags]
      const stopped = await run('train', [...argv, '--out', path('three.ola')], AbortSignal.abort())
      expect(stopped.code).toBe(1)
      expect(readdirSync(folder)).not.toContain('three.ola')
      expect(readdirSync(folder)).toContain('state')
      const done = await run('train', [...argv, '--out', path('three.ola')])
      expect(readFileSync(path('three.ola'))).toEqual(readFileSync(path('one.ola')))
      expect(done.code).toBe(0)
    })

    test.each([
      ['no JSON', 'x', 'bad.jsonl:1 is no text to learn from'],
      ['neither text nor question', '{"prompt":"a"}', 'bad.jsonl:1 is no text to learn from'],
      ['a contribution that is no number', '{"text":"a","contribution":-1}', 'bad.jsonl:1'],
      ['nothing', '\n', 'there is nothing to learn from'],
      ['an answer that is too long', JSON.stringify({ prompt: 'a', answer: 'b'.repeat(90) }), 'at most 25'],
    ])('data with %s is refused by name', async (_, text, message) => {
      writeFileSync(path('bad.jsonl'), text)
      const argv = [path('x.olm'), '--data', path('bad.jsonl'), '--out', path('bad.ola'), ...flags]
      await expect(run('train', argv)).rejects.toThrow(message)
      expect(readdirSync(folder)).not.toContain('bad.ola')
    })

    test.each([
      ['a rank', ['--rank', '9'], 'rank 9'],
      ['a rate', ['--rate', '3'], 'rate is 3'],
      ['a length', ['--length', '4000'], 'texts of 4000 positions'],
    ])('%s out of range is refused by name', async (_, changed, message) => {
      const argv = [path('x.olm'), '--data', path('data.jsonl'), '--out', path('bad.ola'), ...changed]
      await expect(run('train', argv)).rejects.toThrow(message)
    })
  })
})

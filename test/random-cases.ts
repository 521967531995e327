import fc from 'fast-check'

/** Every run draws the same cases, so that a change passes or fails by what it changed; `OPENLEDGER_SEED` draws others. */
fc.configureGlobal({ seed: Number(process.env['OPENLEDGER_SEED'] ?? 1) })

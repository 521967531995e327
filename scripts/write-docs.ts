import { writeFileSync } from 'node:fs'
import { cliPage } from '../cli/docs-page.ts'

/** Writes the pages that are generated from the code; a test fails when they are stale. */
writeFileSync(new URL('../docs/cli.md', import.meta.url), await cliPage())

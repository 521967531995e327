/** `Promise.withResolvers` (ES2024) for Node 20; libp2p's queue calls it. First import of every entry point. */
if (typeof Reflect.get(Promise, 'withResolvers') !== 'function') {
  Reflect.defineProperty(Promise, 'withResolvers', {
    configurable: true,
    writable: true,
    value: () => {
      let resolve: (value: unknown) => void = () => {}
      let reject: (reason: unknown) => void = () => {}
      const promise = new Promise((onResolve, onReject) => {
        resolve = onResolve
        reject = onReject
      })
      return { promise, resolve, reject }
    },
  })
}

import WebSocket from 'ws'
import type { Log } from '../../common/log.ts'

/** Wait before a broken connection is tried again. */
const reconnectMs = 2000

/** Listens to the node's `newHeads`. Only a hint to look now: what is there is always read by request. */
export class HeadSocket {
  readonly #url: string
  readonly #log: Log
  #socket: WebSocket | undefined
  #timer: NodeJS.Timeout | undefined
  #isStopped = false
  #wake: () => void = () => {}
  #next = this.#fresh()

  constructor(url: string, log: Log) {
    this.#url = url
    this.#log = log
    this.#connect()
  }

  /** Resolves at the next head. */
  readonly nextHead = (): Promise<void> => this.#next

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#socket?.terminate()
  }

  #connect(): void {
    const socket = new WebSocket(this.#url)
    this.#socket = socket
    socket.on('open', () => socket.send('{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}'))
    socket.on('message', () => {
      this.#wake()
      this.#next = this.#fresh()
    })
    socket.on('error', (error) => this.#log.debug('head subscription failed', { error }))
    socket.on('close', () => {
      if (!this.#isStopped) this.#timer = setTimeout(() => this.#connect(), reconnectMs)
    })
  }

  #fresh(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

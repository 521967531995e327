import { receiveMessageOnPort } from 'node:worker_threads'
import { crewBytes, Helper } from './crew.ts'
import type { HelperData, HelperJob } from './engine-threads.ts'
import { ForwardPass } from './forward-pass.ts'

/** Takes part in the passes of an engine until the thread is terminated. */
export function help({ placed, memory, crew, thread, pieceCost, port }: HelperData): never {
  const forward = new ForwardPass(placed, memory, thread)
  const helper = new Helper(new Int32Array(memory.buffer, crew, crewBytes / 4), pieceCost)
  for (;;) {
    helper.awaitProgram()
    const job: HelperJob | undefined = receiveMessageOnPort(port)?.message
    if (job === undefined) throw new Error('a program was announced and not sent')
    helper.run(job.phase, (each) => forward.run(job.pass, each))
  }
}

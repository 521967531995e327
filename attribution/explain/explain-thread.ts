import { AskedThread } from '../../common/asked-thread.ts'
import type { AnswerExplainer, AnswerQuestion, ExplainedAnswer, ExplainFolders } from './answer-explainer.ts'

type OfContributions = Parameters<AnswerExplainer['contributions']>[0]

/** To the thread. */
export type ExplainTask =
  | { readonly kind: 'contributions'; readonly answer: OfContributions }
  | { readonly kind: 'explain'; readonly question: AnswerQuestion }

/** Answers that may wait to be explained; a gradient of a long one takes seconds. */
const waitingMax = 32

/** {@link AnswerExplainer} on a thread of its own, for a server whose other queries go on meanwhile. The thread starts with the first question. */
export class ExplainThread {
  readonly #thread: AskedThread<{ readonly id: number; readonly task: ExplainTask }, unknown>

  constructor(folders: ExplainFolders) {
    const file = new URL('./explain-worker.mjs', import.meta.url)
    this.#thread = new AskedThread({ file, name: 'explained answers', data: folders, waitingMax })
  }

  /** Throws Error with what the thread says, as the other, and where too many wait. */
  contributions(answer: OfContributions): Promise<bigint[]> {
    return this.#ask({ kind: 'contributions', answer })
  }

  explain(question: AnswerQuestion): Promise<ExplainedAnswer> {
    return this.#ask({ kind: 'explain', question })
  }

  /** Ends the thread; questions that wait fail. */
  close(): Promise<void> {
    return this.#thread.close()
  }

  /** A task's kind says what is replied to it. */
  #ask<T>(task: ExplainTask): Promise<T> {
    return this.#thread.ask((id) => ({ id, task })) as Promise<T>
  }
}

/** An error that crosses the wire as a code. Thrown inside nodes, turned into a response by the request handler. */
import { errorName } from './errors.ts'

export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: number

  constructor(code: number, message?: string) {
    super(message === undefined ? errorName(code) : `${errorName(code)}: ${message}`)
    this.code = code
  }
}

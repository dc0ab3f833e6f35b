/**
 * Requests whose answers are handled later, in the turn of the task that asked and in order of arrival, as a Java client's
 * I/O thread runs its completion handlers in `poll`. Nothing of a client runs on the network's stack.
 */
import type { RpcResult } from '../rpc/rpc-client.ts'
import type { BrokerRpc } from './broker-rpc.ts'
import type { BrokerNode } from './cluster-metadata.ts'
import type { Wakeup } from './wakeup.ts'

type Handler = (result: RpcResult) => void

export class AnswerQueue {
  private readonly rpc: BrokerRpc
  private readonly wakeup: Wakeup
  private arrived: { readonly handle: Handler; readonly result: RpcResult }[] = []

  constructor(rpc: BrokerRpc, wakeup: Wakeup) {
    this.rpc = rpc
    this.wakeup = wakeup
  }

  ask(node: BrokerNode, apiKey: number, request: object, handle: Handler, options?: Parameters<BrokerRpc['send']>[4]): void {
    const answer = this.rpc.send(node.host, node.port, apiKey, request, options)
    answer.onSettled(() => {
      this.arrived.push({ handle, result: answer.result() })
      this.wakeup.wake()
    })
  }

  /** Handles what has arrived. */
  run(): void {
    while (this.arrived.length > 0) {
      const arrived = this.arrived
      this.arrived = []
      for (const { handle, result } of arrived) handle(result)
    }
  }
}

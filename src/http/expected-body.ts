import type { Body } from '../core/http.ts'
import { collect, collecting } from './body.ts'
import type { Collected, SelfCollecting } from './body.ts'

/** A body that its sender holds back until it is told to go on: `goOn` is called when somebody first asks for its bytes (RFC 9110, 10.1.1). */
export function expectedBody(body: Body, goOn: () => void): Body & SelfCollecting {
  return {
    length: body.length,
    trailers: body.trailers,
    [Symbol.asyncIterator]() {
      goOn()
      return body[Symbol.asyncIterator]()
    },
    [collecting](...how: Parameters<SelfCollecting[typeof collecting]>): Promise<Collected> {
      goOn()
      return collect(body, ...how)
    },
  }
}

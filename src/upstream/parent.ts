import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { SallyportError } from '../core/errors.ts'
import type { Answer, RawHeaders } from '../core/http.ts'
import { withoutHeaders } from '../core/http.ts'
import { connectAnswer } from './connect-answer.ts'
import { dialTcp } from './dial.ts'
import type { Guard } from './guard.ts'
import type { Limits } from './limits.ts'
import { bracketed } from './origin.ts'
import type { ParentAddress } from './parent-url.ts'
import { receive } from './receive.ts'
import type { Parsed } from './receive.ts'
import type { AbsoluteForm } from './request-head.ts'
import type { Secure } from './secure.ts'
import {
  chosenMethod,
  connectReply,
  connectRequest,
  greeting,
  opened,
  passwordAccepted,
  passwordRequest,
} from './socks5.ts'
import type { Stamp } from './stamps.ts'
import { codeOf, tlsReason } from './tls-fault.ts'

type Authority = { readonly host: string; readonly port: number }

/** A proxy beyond which the origins are. */
export type Parent = {
  /** A connection to an origin, made by the parent, which resolves the name. */
  readonly tunnel: (to: Authority, limits: Limits) => Promise<Socket>
  /** A connection to the parent itself, for requests that name their origin; undefined where it only makes tunnels. */
  readonly plain: { readonly open: (limits: Limits) => Promise<Socket>; readonly form: AbsoluteForm } | undefined
  /** What a connection that `tunnel` gave was stamped with. */
  readonly stampOf?: (socket: Socket) => Stamp | undefined
}

/** A fresh token for one CONNECT: fields for the parent alone, and what is told of them. */
export type Signed = { readonly fields: RawHeaders; readonly stamp: Stamp }

/** Whatever goes wrong with the parent is `parent_proxy_failed`, or `upstream_timeout`; never with its credentials in the message. */
export function parentProxy(options: {
  readonly at: ParentAddress
  /** Finds the addresses of the parent: the operator named it, so that all may be dialled. */
  readonly guard: Guard
  readonly isOwn: (address: string, port: number) => boolean
  readonly secure: Secure
  /** Signs each CONNECT, as it is sent. Not for SOCKS5, which has no fields. */
  readonly sign?: (to: Authority) => Signed
  /** Our id, which is told where nothing else is said of the way that led here. Not for SOCKS5. */
  readonly hop?: string | undefined
}): Parent {
  const { at } = options

  const open = async (limits: Limits): Promise<Socket> => {
    const route = await options.guard(at.host, at.port).catch(asParentFault)
    if (route.addresses.some((address) => options.isOwn(address, route.port))) {
      throw new SallyportError('loop_detected', 'upstream.proxy is Sallyport itself')
    }
    const socket = await dialTcp(at.host, route, limits).catch(asParentFault)
    return at.kind === 'https' ? options.secure(socket, at, ['http/1.1'], limits).catch(asParentFault) : socket
  }

  const signed = new WeakMap<Socket, Stamp>()
  const sign = (socket: Socket, to: Authority): RawHeaders => {
    if (options.sign === undefined) return []
    const { fields, stamp } = options.sign(to)
    signed.set(socket, stamp)
    socket.once('close', () => stamp.ended())
    return fields
  }
  const negotiate = at.kind === 'socks5' ? socks(at) : connectMethod(at, sign, options.hop)
  return {
    async tunnel(to, limits) {
      const socket = await open(limits)
      try {
        await negotiate(socket, to, limits)
      } catch (thrown) {
        const error = thrown instanceof RangeError ? failed(thrown.message, thrown) : thrown
        if (error instanceof SallyportError) signed.get(socket)?.ended(error)
        socket.on('error', () => undefined).destroy()
        throw error
      }
      return socket
    },
    plain: at.kind === 'socks5' ? undefined : { open, form: formVia({ fields: authorization(at) }, options.hop) },
    stampOf: (socket) => signed.get(socket),
  }
}

type Negotiate = (socket: Socket, to: Authority, limits: Limits) => Promise<void>

function connectMethod(
  at: ParentAddress,
  sign: (socket: Socket, to: Authority) => RawHeaders,
  hop: string | undefined,
): Negotiate {
  const credentials = lines(authorization(at))
  return async (socket, to, limits) => {
    const target = `${bracketed(to.host)}:${to.port}`
    socket.write(
      `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${credentials}${lines(viaField(limits.via ?? hop))}${lines(sign(socket, to))}\r\n`,
      'latin1',
    )
    const { status } = await answer(socket, limits, connectAnswer)
    if (status >= 200 && status <= 299) return
    if (status !== 407) throw failed(`it answers ${target} with ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd())
    throw failed(
      at.credentials === undefined ? 'it wants credentials (407)' : 'it does not accept the credentials (407)',
    )
  }
}

function socks({ credentials }: ParentAddress): Negotiate {
  return async (socket, to, limits) => {
    socket.write(greeting(credentials))
    const method = await answer(socket, limits, chosenMethod)
    if (method === 'no-method' || (method === 'password' && credentials === undefined)) {
      throw failed(credentials === undefined ? 'it wants credentials' : 'it takes no name and password')
    }
    if (method === 'password' && credentials !== undefined) {
      socket.write(passwordRequest(credentials))
      if (!(await answer(socket, limits, passwordAccepted))) throw failed('it does not accept the credentials')
    }
    socket.write(connectRequest(to.host, to.port))
    const reply = await answer(socket, limits, connectReply)
    if (reply !== opened) throw failed(`it answers ${bracketed(to.host)}:${to.port} with: ${reply}`)
  }
}

function answer<T>(socket: Socket, limits: Limits, parse: (bytes: Buffer) => Parsed<T>): Promise<T> {
  return receive(socket, limits, `${name} has not answered`, parse, (why) =>
    failed(
      why === 'end' ? 'it closed the connection' : `it broke the connection: ${tlsReason(why) ?? codeOf(why)}`,
      why,
    ),
  )
}

/** An answer that came by way of a parent: its challenge is for us, never for the client (RFC 9110, 11.7.1). */
export function unchallenged(answer: Answer): Answer {
  if (answer.head.status !== 407) return answer
  void answer.body?.[Symbol.asyncIterator]().return?.()
  throw failed('it does not accept the credentials, or wants some (407)')
}

const viaField = (via: string | undefined): RawHeaders => (via === undefined ? [] : [viaName, via])

/** A form for requests that say of themselves how they have come; a parent that does not know the field must not pass it on (RFC 9110, 7.6.1). */
export function formVia(form: AbsoluteForm, via: string | undefined): AbsoluteForm {
  if (via === undefined) return form
  return { fields: [...withoutHeaders(form.fields, viaNames), 'Connection', viaName, viaName, via] }
}

/** RFC 7617, 2. */
function authorization({ credentials }: ParentAddress): RawHeaders {
  if (credentials === undefined) return []
  const { user, password } = credentials
  return ['Proxy-Authorization', `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`]
}

function lines(fields: RawHeaders): string {
  let text = ''
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`
  return text
}

function asParentFault(thrown: unknown): never {
  const error = thrown as Error
  if (error instanceof SallyportError && kept.has(error.code)) throw error
  throw failed(error.message, error)
}

function failed(why: string, cause?: unknown): SallyportError {
  return new SallyportError('parent_proxy_failed', `${name}: ${why}`, { cause })
}

const name = 'the parent proxy'
const viaName = 'Sallyport-Via'
const viaNames = new Set(['connection', viaName.toLowerCase()])
const kept: ReadonlySet<string> = new Set(['upstream_timeout', 'client_aborted', 'loop_detected'])

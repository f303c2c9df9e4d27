/** Every code that Sallyport answers or logs with: HTTP status (0: never an answer), what it means, what to do. Documented in docs/errors.md, and tested against it. */
export const errorCodes = {
  sallyport_blocked: {
    status: 403,
    meaning: 'A policy rule blocked the exchange.',
    hint: 'The message names the rule: `sallyport policy explain` shows it.',
  },
  sallyport_too_large: {
    status: 413,
    meaning: 'The body is larger than `limits.inspectBytes` and policy says `oversize: block`.',
    hint: 'Raise `limits.inspectBytes`, or set `oversize: allow`.',
  },
  unreadable_body: {
    status: 400,
    meaning:
      'The body could not be decoded for inspection, or should be text and is not UTF-8, and policy says `unreadable: block`.',
    hint: 'Send text in UTF-8 with a true Content-Encoding, or set `unreadable: allow`.',
  },
  opaque_content: {
    status: 403,
    meaning:
      'The request holds an image, a recording, a PDF or other bytes that cannot be inspected, and policy says `opaque: block`.',
    hint: 'Leave it out, or allow its kind in `opaque`.',
  },
  hook_failed: {
    status: 403,
    meaning: 'A hook failed or ran out of time, and its rule says `onError: block`.',
    hint: 'Look in the log for the hook and its cause.',
  },
  rate_limited: {
    status: 429,
    meaning: 'More requests or connections than a `rate-limit` rule admits.',
    hint: 'Wait as long as `Retry-After` says.',
  },
  malformed_request: {
    status: 400,
    meaning: 'The request could be read in two ways, or in none.',
    hint: 'Mend the client: the message says what is wrong.',
  },
  uri_too_long: { status: 414, meaning: 'The request target is too long.', hint: 'Shorten it.' },
  headers_too_large: {
    status: 431,
    meaning: 'The header section is larger than `limits.headerBytes`.',
    hint: 'Raise `limits.headerBytes`.',
  },
  request_timeout: { status: 408, meaning: 'The request was not sent in time.', hint: 'Send it faster.' },
  unsupported_method: {
    status: 501,
    meaning: 'The method cannot be used here.',
    hint: 'Use CONNECT, or send the request with an absolute target.',
  },
  connect_in_tunnel: {
    status: 405,
    meaning: 'CONNECT inside the connection of a CONNECT.',
    hint: 'Send each CONNECT on a connection of its own.',
  },
  unsupported_version: { status: 505, meaning: 'The HTTP version is not supported.', hint: 'Use HTTP/1.1 or HTTP/2.' },
  misdirected_request: {
    status: 421,
    meaning: 'Host or :authority names another host than the connection was made for.',
    hint: 'Open a connection for that host.',
  },
  proxy_auth_required: {
    status: 407,
    meaning: 'The proxy wants credentials.',
    hint: 'Put name and token in the proxy URL.',
  },
  client_certificate_required: {
    status: 403,
    meaning: '`proxy.auth` is `mtls`, and the client has not shown a certificate that is valid.',
    hint: 'Speak TLS to the proxy, with a certificate by an authority in `proxy.tls.clientCa`.',
  },
  too_many_failures: { status: 429, meaning: 'Too many failed attempts from this address.', hint: 'Wait a minute.' },
  client_not_allowed: {
    status: 403,
    meaning: 'The client address is not in `proxy.allowClients`.',
    hint: 'Add its network to `proxy.allowClients`.',
  },
  policy_denied: {
    status: 403,
    meaning: 'Policy denies connections to this host.',
    hint: '`sallyport policy explain --host …` shows why.',
  },
  address_not_allowed: {
    status: 403,
    meaning: 'The host resolves to a private, loopback or otherwise special address.',
    hint: 'Name the network in `upstream.allowPrivate`, or the host in `upstream.resolve`.',
  },
  too_many_connections: {
    status: 503,
    meaning: 'The limit `limits.connections` is reached.',
    hint: 'Raise it, or find the client that holds so many.',
  },
  overloaded: {
    status: 503,
    meaning:
      'There is no room for the body: `limits.bufferedBytes` is used up, and too much waits already or the disk refuses it.',
    hint: 'Try again in a moment; if it happens often, raise `limits.bufferedBytes` and look at the disk.',
  },
  shutting_down: { status: 503, meaning: 'Sallyport is stopping.', hint: 'Try again in a moment.' },
  loop_detected: {
    status: 508,
    meaning: 'The request came back to Sallyport.',
    hint: 'Do not send requests for the proxy through the proxy.',
  },
  ledger_unavailable: {
    status: 503,
    meaning: 'The ledger cannot be written and `audit.whenUnavailable` is `block`.',
    hint: 'Look at the disk, then at `sallyport doctor`.',
  },
  name_not_resolved: {
    status: 502,
    meaning: 'The host name does not resolve.',
    hint: 'Check the name and the resolver of this machine.',
  },
  upstream_unreachable: {
    status: 502,
    meaning: 'The origin cannot be reached.',
    hint: 'Check that it is up and that a firewall lets it through.',
  },
  upstream_tls_failed: {
    status: 502,
    meaning: 'The TLS handshake with the origin failed.',
    hint: 'The message has the reason or the alert.',
  },
  upstream_certificate_invalid: {
    status: 502,
    meaning: "The origin's certificate is not valid for its name or not trusted.",
    hint: 'A private authority goes in `upstream.ca`.',
  },
  upstream_closed: {
    status: 502,
    meaning: 'The origin closed the connection before its answer was complete.',
    hint: 'Try again.',
  },
  upstream_invalid: { status: 502, meaning: "The origin's answer breaks HTTP.", hint: 'The message says where.' },
  upstream_timeout: {
    status: 504,
    meaning: 'The origin took too long.',
    hint: 'Raise the time-outs under `upstream`.',
  },
  parent_proxy_failed: {
    status: 502,
    meaning: 'The parent proxy refused or failed.',
    hint: 'Check `upstream.proxy` and its credentials.',
  },
  leaf_mint_failed: {
    status: 502,
    meaning: 'No certificate could be made for this host.',
    hint: 'The message has the reason.',
  },
  ca_not_permitted: {
    status: 502,
    meaning: 'The local CA may not vouch for this host: it is outside its name constraints.',
    hint: '`sallyport ca rotate` makes a CA for the hosts that policy inspects now.',
  },
  client_aborted: { status: 499, meaning: 'The client went away.', hint: 'Nothing to do.' },
  internal_error: { status: 500, meaning: 'A fault in Sallyport.', hint: 'The log has the cause.' },
  config_invalid: {
    status: 0,
    meaning: 'The configuration is not valid.',
    hint: '`sallyport config check` names the line.',
  },
  policy_invalid: {
    status: 0,
    meaning: 'A policy file is not valid.',
    hint: '`sallyport policy check` names the line.',
  },
  ca_unavailable: {
    status: 0,
    meaning: 'The CA key or certificate is missing, unreadable or not usable.',
    hint: '`sallyport ca init` makes a new one.',
  },
  address_in_use: {
    status: 0,
    meaning: 'Another program listens on the address.',
    hint: 'Stop it, or choose another address.',
  },
  redirect_failed: {
    status: 0,
    meaning: 'The traffic of this machine cannot be redirected, or the redirection cannot be told or ended.',
    hint: '`sallyport agent status` tells what is in force.',
  },
  ledger_corrupt: {
    status: 0,
    meaning: 'The database cannot be opened.',
    hint: 'Use another copy of it. Where there is none, `sallyport serve` makes a new one: move this aside, do not remove it.',
  },
} as const satisfies Record<string, { status: number; meaning: string; hint: string }>

export type ErrorCode = keyof typeof errorCodes

/** An error that can be answered or shown: stable code, message for people, never a secret or a matched text in it. */
export class SallyportError extends Error {
  readonly code: ErrorCode
  /** Overrides the table's hint where the place knows better. */
  readonly hint: string
  /** When it is worth trying again, where that is known. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; hint?: string; retryAfterSeconds?: number } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'SallyportError'
    this.code = code
    this.hint = options.hint ?? errorCodes[code].hint
    this.retryAfterSeconds = options.retryAfterSeconds
  }

  get status(): number {
    return errorCodes[this.code].status
  }
}

/** What was thrown, as a SallyportError: others become `internal_error` with the cause kept. */
export function asSallyportError(thrown: unknown): SallyportError {
  if (thrown instanceof SallyportError) return thrown
  return new SallyportError('internal_error', 'internal error', { cause: thrown })
}

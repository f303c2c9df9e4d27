/** A request that must be refused, as it is written for one place: `at` is what stands before the path, `path` names the case. */
export type RefusedRequest = {
  readonly what: string
  readonly text: (at: string, host: string, path: string) => string
  readonly status: number
  readonly code: string
  /** Where it is recorded: in an exchange of its own when its request line could be read. */
  readonly row: 'exchange' | 'connection'
}

type Place = { readonly at: string; readonly host: string; readonly path: string }

/** With these fields after a good Host, and this body. */
function fields(what: string, lines: string, body = '', { status = 400, code = 'malformed_request' } = {}) {
  return exchange(
    what,
    ({ at, host, path }) => `POST ${at}${path} HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n\r\n${body}`,
    { status, code },
  )
}

/** A chunked request with this body. */
function chunks(what: string, body: string): RefusedRequest {
  return fields(what, 'Transfer-Encoding: chunked', body)
}

/** A whole head by its parts. */
function exchange(
  what: string,
  write: (place: Place) => string,
  { status = 400, code = 'malformed_request' } = {},
): RefusedRequest {
  return { what, text: (at, host, path) => write({ at, host, path }), status, code, row: 'exchange' }
}

/** Without a request line that could be told. */
function unreadable(
  what: string,
  write: (place: Place) => string,
  { status = 400, code = 'malformed_request' } = {},
): RefusedRequest {
  return { ...exchange(what, write, { status, code }), row: 'connection' }
}

const line =
  (text: (url: string) => string) =>
  ({ at, host, path }: Place): string =>
    `${text(at + path)}\r\nHost: ${host}\r\n\r\n`

const hosted =
  (text: string | ((host: string) => string)) =>
  ({ at, host, path }: Place): string =>
    `GET ${at}${path} HTTP/1.1\r\n${typeof text === 'string' ? text : text(host)}\r\n\r\n`

const lengths = ['5, 5', '+5', '-5', '0x5', '5 5', '5;', '5.0', '1e1', '', '99999999999999999999', '5_0', '\u0665']
const codings = [
  'xchunked',
  'chunked, identity',
  'identity',
  'gzip, chunked',
  'chunked, chunked',
  'chun\xe2\x84\xaaed',
  '\x0bchunked',
  'chunked,',
  ',chunked',
  'chunked;a=b',
  '"chunked"',
  '',
]
const sizes = ['+5', '0x5', ' 5', '-5', 'g', '', '5 5', '11111111111111111', 'ffffffffffffffffff', '5_', '5,5']

export const framing: readonly RefusedRequest[] = [
  fields('Content-Length before Transfer-Encoding', 'Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
  fields('Transfer-Encoding before Content-Length', 'Transfer-Encoding: chunked\r\nContent-Length: 5', '0\r\n\r\n'),
  fields('two lengths that differ', 'Content-Length: 3\r\nContent-Length: 5', 'abc'),
  fields('two lengths that are equal', 'Content-Length: 5\r\nContent-Length: 5', 'abcde'),
  ...lengths.map((length) => fields(`the length ${JSON.stringify(length)}`, `Content-Length: ${length}`, 'abcde')),
  ...codings.map((coding) =>
    fields(`the coding ${JSON.stringify(coding)}`, `Transfer-Encoding: ${coding}`, '5\r\nabcde\r\n0\r\n\r\n'),
  ),
  fields('two codings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
  fields('a coding and an empty one', 'Transfer-Encoding: chunked\r\nTransfer-Encoding:', '0\r\n\r\n'),
  fields('a length in disguise', 'Content_Length: 5', 'abcde'),
  fields('a coding in disguise', 'Transfer_Encoding: chunked', '0\r\n\r\n'),
  exchange(
    'a coding in HTTP/1.0',
    ({ at, host, path }) =>
      `POST ${at}${path} HTTP/1.0\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  ...sizes.map((size) => chunks(`the chunk size ${JSON.stringify(size)}`, `${size}\r\nabcde\r\n0\r\n\r\n`)),
  chunks('a chunk size that ends in a bare line feed', '5\nabcde\r\n0\r\n\r\n'),
  chunks('a chunk size that ends in a bare carriage return', '5\rabcde\r\n0\r\n\r\n'),
  chunks('a chunk without its line end', '5\r\nabcde0\r\n\r\n'),
  chunks('a chunk with a bare line feed behind', '5\r\nabcde\n0\r\n\r\n'),
  chunks('a chunk that is longer than its size', '5\r\nabcdefg\r\n0\r\n\r\n'),
  chunks('a last chunk that is none', '5\r\nabcde\r\n0x\r\n\r\n'),
  chunks('extensions without end', `5;${'x'.repeat(20_000)}\r\nabcde\r\n0\r\n\r\n`),
  chunks('a bare line feed in an extension', '5;a\nb\r\nabcde\r\n0\r\n\r\n'),
  chunks('a trailer with a space before the colon', '5\r\nabcde\r\n0\r\nX-Sum : 1\r\n\r\n'),
  chunks('a folded trailer', '5\r\nabcde\r\n0\r\nX-Sum: 1\r\n 2\r\n\r\n'),
]

export const syntax: readonly RefusedRequest[] = [
  fields('a space before the colon', 'Transfer-Encoding : chunked'),
  fields('a tab before the colon', 'Content-Length\t: 5', 'abcde'),
  exchange(
    'a space before the first field',
    ({ at, host, path }) => `GET ${at}${path} HTTP/1.1\r\n Host: ${host}\r\n\r\n`,
  ),
  exchange(
    'a tab before the first field',
    ({ at, host, path }) => `GET ${at}${path} HTTP/1.1\r\n\tX: 1\r\nHost: ${host}\r\n\r\n`,
  ),
  fields('a folded field', 'X: a\r\n b'),
  fields('a field folded with a tab', 'X: a\r\n\tb'),
  fields('a bare carriage return in a value', 'X: a\rContent-Length: 5'),
  fields('a bare carriage return in a name', 'X\rY: a'),
  fields('a line that ends in a bare carriage return', 'X: a\rY: b'),
  fields('a line that ends in a bare line feed', 'X: a\nY: b'),
  fields('two carriage returns', 'X: a\r\r'),
  fields('a NUL in a value', 'X: a\0b'),
  fields('a NUL in a name', 'X\0: a'),
  fields('a control character in a value', 'X: a\x01b'),
  fields('a delete in a value', 'X: a\x7fb'),
  fields('a name that is no token', 'Na(me): a'),
  fields('a name in 8 bits', 'N\xe4me: a'),
  fields('an empty name', ': a'),
  fields('a field without a colon', 'X-Alone'),
  fields('two media types', 'Content-Type: image/png\r\nContent-Type: application/json'),
  exchange(
    'two spaces after the method',
    line((url) => `GET  ${url} HTTP/1.1`),
  ),
  exchange(
    'two spaces before the version',
    line((url) => `GET ${url}  HTTP/1.1`),
  ),
  unreadable(
    'a tab for a space',
    line((url) => `GET\t${url} HTTP/1.1`),
  ),
  unreadable(
    'a tab before the version',
    line((url) => `GET ${url}\tHTTP/1.1`),
  ),
  unreadable(
    'a space in the target',
    line((url) => `GET ${url} x HTTP/1.1`),
  ),
  unreadable(
    'a version with a space behind',
    line((url) => `GET ${url} HTTP/1.1 `),
  ),
  unreadable(
    'a version in lower case',
    line((url) => `GET ${url} http/1.1`),
  ),
  unreadable(
    'a version that is none',
    line((url) => `GET ${url} HTTP/1`),
  ),
  exchange(
    'no version',
    line((url) => `GET ${url}`),
    { status: 505, code: 'unsupported_version' },
  ),
  unreadable(
    'a space before the method',
    line((url) => ` GET ${url} HTTP/1.1`),
  ),
  exchange(
    'a request line that ends in a bare line feed',
    ({ at, host, path }) => `GET ${at}${path} HTTP/1.1\nHost: ${host}\r\n\r\n`,
  ),
  unreadable(
    'a NUL in the target',
    line((url) => `GET ${url}\0 HTTP/1.1`),
  ),
  unreadable(
    'a method that is no token',
    line((url) => `G(T ${url} HTTP/1.1`),
  ),
  unreadable('no HTTP at all', () => '\x16\x03\x01\x02\0\x01\0\r\n\r\n'),
  ...['1.2', '2.0', '9.9', '0.9', '3.0'].map((version) =>
    exchange(
      `the version ${version}`,
      line((url) => `GET ${url} HTTP/${version}`),
      {
        status: 505,
        code: 'unsupported_version',
      },
    ),
  ),
  exchange('the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', {
    status: 505,
    code: 'unsupported_version',
  }),
  ...['FOO', 'get', 'GETT', 'M-SEARCH2'].map((method) =>
    exchange(
      `the method ${method}`,
      line((url) => `${method} ${url} HTTP/1.1`),
      {
        status: 501,
        code: 'unsupported_method',
      },
    ),
  ),
  exchange(
    'a fragment',
    line((url) => `GET ${url}#x HTTP/1.1`),
  ),
  exchange(
    'a target of 100 KB',
    line((url) => `GET ${url}?${'x'.repeat(100_000)} HTTP/1.1`),
    {
      status: 414,
      code: 'uri_too_long',
    },
  ),
  fields('a field of 70 KB', `X: ${'x'.repeat(70_000)}`, '', { status: 431, code: 'headers_too_large' }),
  fields(
    'fields of 70 KB together',
    Array.from({ length: 700 }, (_, i) => `X-${i}: ${'x'.repeat(96)}`).join('\r\n'),
    '',
    { status: 431, code: 'headers_too_large' },
  ),
]

const badHosts = [
  '',
  'a@b',
  'a/b',
  'a b',
  'a,b',
  'a?b',
  'a#b',
  'a\\b',
  'a%b',
  'b\xfccher.example',
  '[::1',
  '::1',
  'a:x',
  'a:0',
  'a:65536',
  'a:99999999',
  'a:44:3',
  ':443',
]

export const hosts: readonly RefusedRequest[] = [
  exchange('no Host', hosted('X: 1')),
  exchange(
    'two Hosts',
    hosted((host) => `Host: ${host}\r\nHost: ${host}`),
  ),
  exchange(
    'two Hosts that differ',
    hosted((host) => `Host: ${host}\r\nX: 1\r\nhost: b.example`),
  ),
  ...badHosts.map((text) => exchange(`the Host ${JSON.stringify(text)}`, hosted(`Host: ${text}`))),
  exchange(
    'user information before its name',
    hosted((host) => `Host: me@${host}`),
  ),
]

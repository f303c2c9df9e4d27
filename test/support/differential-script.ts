import { brotliCompressSync, gzipSync } from 'node:zlib'

/** What a client sends on one connection, and what the origin says to each request. All bytes as latin1 text; `HOST` stands for the origin's name and port, `PATH` for the request's own. */
export type Scene = {
  readonly name: string
  readonly requests: readonly string[]
  /** One for each request, each in pieces with a pause between them. */
  readonly answers: readonly (readonly string[])[]
  /** All requests at once. */
  readonly pipelined?: boolean
}

/** About sixty scenes of HTTP/1.1 as clients and servers speak it. */
export function script(): Scene[] {
  return [
    ...['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'REPORT', 'PURGE', 'QUERY'].map((method) =>
      one(`method ${method}`, ask(method, method === 'POST' || method === 'PUT' ? ['Content-Length: 0'] : [])),
    ),
    one(
      'HEAD with a length',
      ask('HEAD'),
      'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1234\r\n\r\n',
    ),
    one('HEAD of a chunked answer', ask('HEAD'), 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'),
    ...requestFields(),
    ...requestBodies(),
    ...answers(),
    ...answerBodies(),
    ...connections(),
  ]
}

function requestFields(): Scene[] {
  const fields = (name: string, ...lines: string[]) => one(name, ask('GET', lines))
  return [
    fields('names in odd cases', 'x-lower: 1', 'X-UPPER: 2', 'x-MiXeD: 3', 'ACCEPT: */*'),
    fields('names of every token character', "X!#$%&'*+-.^_`|~9: odd"),
    fields('the same name three times', 'X-Twice: a', 'x-twice: b', 'Accept: text/html', 'X-TWICE: c'),
    fields('two cookies', 'Cookie: a=1; b=2', 'Cookie: c="3"'),
    fields('an empty value', 'X-Empty:', 'X-After: 1'),
    fields('values with Latin-1', 'X-Name: J\xfcrgen \xa9', 'User-Agent: caf\xe9/1.0'),
    fields('values with white space and commas inside', 'X-List: a,b ,\tc', 'X-Quoted: "a, b"; q=0.5'),
    fields('sixty fields', ...Array.from({ length: 60 }, (_, i) => `X-Field-${59 - i}: ${i}`)),
    fields('a long value', `X-Long: ${'v'.repeat(8_000)}`),
    fields('what clients say of themselves', 'Via: 1.1 elsewhere', 'X-Forwarded-For: 192.0.2.1', 'Forwarded: for=a'),
    fields(
      'what a cache asks',
      'If-None-Match: "abc", W/"d"',
      'Range: bytes=0-9',
      'Cache-Control: no-cache',
      'Pragma: x',
    ),
    fields('credentials', 'Authorization: Bearer abc.def', 'x-api-key: k', 'anthropic-version: 2023-06-01'),
    fields('a wish for codings', 'Accept-Encoding: gzip;q=1.0, br, zstd, identity; q=0.5, *;q=0'),
    {
      ...one('Host last and in lower case', `GET PATH HTTP/1.1\r\nX-First: 1\r\nhost: HOST\r\n\r\n`),
    },
    one(
      'an odd target',
      `GET PATH/%7Ea%2Fb//c;p=1/../d?x=%20&y=[1]|"'&&z#no HTTP/1.1\r\nHost: HOST\r\n\r\n`.replace('#no', ''),
    ),
  ]
}

function requestBodies(): Scene[] {
  const sent = (name: string, lines: readonly string[], body: string) => one(name, ask('POST', lines, body))
  const typed = (type: string, body: string, ...more: string[]) =>
    sent(
      `a body of ${type} ${more.join(' ')}`.trim(),
      [`Content-Type: ${type}`, ...more, `Content-Length: ${body.length}`],
      body,
    )
  const chunked = ['Content-Type: text/plain', 'Transfer-Encoding: chunked']
  const gzip = gzipSync(json).toString('latin1')
  return [
    typed('text/plain', 'hello'),
    typed('application/json', json),
    typed('application/json; charset=utf-8', `{"prompt":"caf\xc3\xa9 \xf0\x9f\x98\x80"}`),
    typed('application/json', '{"broken": "json", '),
    typed('application/json', '{"not":"utf-8 \xff\xfe"}'),
    typed('application/octet-stream', Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('')),
    typed('application/x-www-form-urlencoded', 'a=1&b=two+words&c=%20'),
    typed(
      'multipart/form-data; boundary=xx',
      '--xx\r\nContent-Disposition: form-data; name="f"\r\n\r\nv\r\n--xx--\r\n',
    ),
    typed('application/json', gzip, 'Content-Encoding: gzip'),
    typed('application/json', brotliCompressSync(json).toString('latin1'), 'Content-Encoding: br'),
    typed('text/plain', 'long '.repeat(60_000)),
    sent('a chunked body', chunked, '5\r\nhello\r\n0\r\n\r\n'),
    sent('a body in many chunks', chunked, `${'3\r\nabc\r\n'.repeat(300)}0\r\n\r\n`),
    sent(
      'a chunked body with trailers',
      [...chunked, 'Trailer: X-Sum'],
      '5\r\nhello\r\n0\r\nX-Sum: 5\r\nx-other: y\r\n\r\n',
    ),
    sent(
      'a chunked body of gzip',
      [...chunked, 'Content-Encoding: gzip'],
      `${gzip.length.toString(16)}\r\n${gzip}\r\n0\r\n\r\n`,
    ),
    one('GET with a body', ask('GET', ['Content-Length: 4'], 'body')),
    one('DELETE with a body', ask('DELETE', ['Content-Type: application/json', 'Content-Length: 2'], '{}')),
  ]
}

function answers(): Scene[] {
  const said = (name: string, ...pieces: string[]) => one(name, ask('GET'), ...pieces)
  return [
    said('204', 'HTTP/1.1 204 No Content\r\nX-Request-Id: r1\r\n\r\n'),
    said('304', 'HTTP/1.1 304 Not Modified\r\nETag: "abc"\r\nCache-Control: max-age=5\r\n\r\n'),
    said('206', 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/9\r\nContent-Length: 4\r\n\r\nbody'),
    said('301', 'HTTP/1.1 301 Moved Permanently\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n'),
    said(
      '401 with two challenges',
      `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="a"\r\nwww-authenticate: Bearer\r\n${tail}`,
    ),
    said('a status that has no name', `HTTP/1.1 499 Went away\r\n${tail}`),
    said('a reason of its own', `HTTP/1.1 200 Quite all right, \xfcber\r\n${tail}`),
    said('an empty reason', `HTTP/1.1 200 \r\n${tail}`),
    said('503', `HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\n${tail}`),
    said(
      'cookies',
      `HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: b=2\r\nSet-Cookie: c=3; HttpOnly\r\n${tail}`,
    ),
    said(
      'fields in odd cases',
      `HTTP/1.1 200 OK\r\nx-lower: 1\r\nX-UPPER: 2\r\nserver: Odd/1\r\ndate: today\r\nX-EMPTY:\r\n${tail}`,
    ),
    said('fields of Latin-1', `HTTP/1.1 200 OK\r\nX-Name: J\xfcrgen\r\n${tail}`),
    said(
      'early hints',
      'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n',
      `HTTP/1.1 103 Early Hints\r\nlink: </b>\r\n\r\nHTTP/1.1 200 OK\r\n${tail}`,
    ),
    said('102, then the answer', 'HTTP/1.1 102 Processing\r\n\r\n', `HTTP/1.1 200 OK\r\n${tail}`),
  ]
}

function answerBodies(): Scene[] {
  const said = (name: string, ...pieces: string[]) => one(name, ask('GET'), ...pieces)
  const whole = (type: string, body: string, ...more: string[]) =>
    said(
      `an answer of ${type} ${more.join(' ')}`.trim(),
      [`HTTP/1.1 200 OK`, `Content-Type: ${type}`, ...more, `Content-Length: ${body.length}`, '', body].join('\r\n'),
    )
  const chunkedHead = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n'
  const streamHead = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
  const event = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
  return [
    whole('text/plain', ''),
    whole('application/json', json),
    whole('application/json', gzipSync(json).toString('latin1'), 'Content-Encoding: gzip'),
    whole('application/json', 'not gzip', 'Content-Encoding: gzip'),
    whole('application/json', 'x', 'Content-Encoding: unheard-of'),
    whole('application/octet-stream', Array.from({ length: 1_024 }, (_, i) => String.fromCharCode(i % 256)).join('')),
    whole('text/html', 'large '.repeat(100_000)),
    said('a length that comes in pieces', 'HTTP/1.1 200 OK\r\nContent-Le', 'ngth: 9\r\n\r\none', 'two', 'six'),
    said('chunks', `${chunkedHead}\r\n5\r\nhello\r\n`, '1\r\n!\r\n0\r\n\r\n'),
    said(
      'chunks with trailers',
      `${chunkedHead}Trailer: X-Sum\r\n\r\n5\r\nhello\r\n`,
      '0\r\nX-Sum: 5\r\nx-second: 2\r\n\r\n',
    ),
    said(
      'no framing, to the end of the connection',
      'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nto the',
      ' end',
    ),
    said(
      'events',
      `${streamHead}${event(': hello\n\n')}`,
      event('event: a\r\ndata: {"x": 1.0}\r\n\r\n'),
      `${event('id: 7\ndata: b\ndata: c\n\n')}0\r\n\r\n`,
    ),
    said('events cut anywhere', `${streamHead}${event('data: {"del')}`, event('ta":"x"}\n'), `${event('\n')}0\r\n\r\n`),
  ]
}

function connections(): Scene[] {
  const numbered = (count: number) => Array.from({ length: count }, (_, i) => ask('GET', [`X-Number: ${i}`]))
  const answersTo = (count: number) =>
    Array.from({ length: count }, (_, i) => [`HTTP/1.1 200 OK\r\nX-Number: ${i}\r\nContent-Length: 1\r\n\r\n${i % 10}`])
  const post = ask('POST', ['Content-Type: text/plain', 'Content-Length: 2'], 'hi')
  return [
    { name: 'three requests one after the other', requests: numbered(3), answers: answersTo(3) },
    { name: 'ten requests at once', requests: numbered(10), answers: answersTo(10), pipelined: true },
    { name: 'bodies one after the other', requests: [post, ask('GET'), post], answers: [ok, ok, ok] },
    { name: 'bodies at once', requests: [post, post, ask('GET')], answers: [ok, ok, ok], pipelined: true },
    {
      name: '204 and HEAD leave the connection usable',
      requests: [ask('GET'), ask('HEAD'), ask('GET')],
      answers: [['HTTP/1.1 204 No Content\r\n\r\n'], ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'], ok],
    },
  ]
}

function one(name: string, request: string, ...answer: string[]): Scene {
  return { name, requests: [request], answers: [answer.length === 0 ? ok : answer] }
}

function ask(method: string, lines: readonly string[] = [], body = ''): string {
  return [`${method} PATH HTTP/1.1`, 'Host: HOST', 'User-Agent: script/1', ...lines, '', body].join('\r\n')
}

const tail = 'Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nok'
const ok = [`HTTP/1.1 200 OK\r\n${tail}`]
const json =
  '{ "model":"m" ,\n\t"messages": [ {"role":"user","content":"say \\u0041 \\/ \\n hello"} ], "t":1.0, "n":1e3,\r\n "x":null }\n'

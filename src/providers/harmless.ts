/**
 * Whether [start, end) is a word that cannot hold anybody's secret: a name of an enumeration, of a type or of a model, an id as vendors
 * make them, a date. Only for places that are known to hold such words.
 */
export function isHarmless(text: string, start: number, end: number): boolean {
  if (end - start > longest) return false
  if (isPlainWord(text, start, end)) return true
  const word = text.slice(start, end)
  return id.test(word) || instant.test(word)
}

/**
 * Letters in runs that no key has, few digits between, and a date at most: `response.output_text.delta`, `claude-sonnet-4-5-20250929`,
 * `us.anthropic.claude-3-5-sonnet-v2:0`. Time linear in the word.
 */
function isPlainWord(text: string, start: number, end: number): boolean {
  // `QX_…` is a placeholder of ours, which has to be put back.
  const first = text.charCodeAt(start)
  if (end - start > 4 && ((!isLetter(first) && first !== dollar && first !== slash) || text.startsWith('QX_', start)))
    return false
  let digits = 0
  let run = 0
  let turns = 0
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    if (isLetter(code)) {
      if (run < 0) turns++
      run = run > 0 ? run + 1 : 1
      if (run > longestRun || turns > mostTurns) return false
    } else if (isDigit(code)) {
      if (run > 0) turns++
      run = run < 0 ? run - 1 : -1
      digits++
      const ends = at + 1 === end || !isDigit(text.charCodeAt(at + 1))
      // A year, or a date.
      if (ends && (run === -4 || run === -8) && text.startsWith('20', at + 1 + run)) digits += run
      if (digits > mostDigits + 8 || (ends && digits > mostDigits)) return false
    } else if (separators.has(code)) {
      run = 0
      turns = 0
    } else return false
  }
  return true
}

function isLetter(code: number): boolean {
  return (code | 32) >= 97 && (code | 32) <= 122
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

// `chatcmpl-…`, `toolu_01…`, `call_…`: a name that vendors give, then one run of letters and digits; or a UUID.
const id =
  /^(?:chatcmpl|cmpl|gen|call|fc|toolu|srvtoolu|mcptoolu|msg|msgbatch|resp|rs|ws|ci|item|req|run|step|thread|asst|file|batch|vs|fp|event|evt|sess|conv|ig|cu|mcp|container|cntr|chatcmpl-tool|tool|block)[_-][0-9A-Za-z]{6,64}$|^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
// A date, a time, a size.
const instant = /^\d{3,4}x\d{3,4}$|^20\d\d-[01]\d-[0-3]\d(?:T[\d:.]{5,18}(?:Z|[+-]\d\d:?\d\d)?)?$/
const separators = new Set([...'_./:-~$#+'].map((char) => char.charCodeAt(0)))
const dollar = 36
const slash = 47
const longest = 96
const longestRun = 16
const mostDigits = 6
// From letters to digits or back, between separators.
const mostTurns = 2

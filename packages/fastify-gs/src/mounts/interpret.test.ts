import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import vm from 'node:vm'
import fc from 'fast-check'
import { checkUsername } from '../accounts/identifiers.ts'
import { interpretableSuffixes, textKind } from './escapes.ts'
import { createSymbolTable, Interpreter } from './interpret.ts'

/** One pass, from left to right, the longest symbol first: as slowly and plainly as it can be said. */
function naive(text: Buffer, values: ReadonlyMap<string, Buffer>): Buffer {
  const symbols = [...values.keys()].toSorted((a, b) => b.length - a.length)
  const out: Buffer[] = []
  for (let at = 0; at < text.length;) {
    const symbol = symbols.find((name) => text.subarray(at).toString('latin1').startsWith(name))
    out.push(symbol === undefined ? text.subarray(at, at + 1) : values.get(symbol)!)
    at += symbol?.length ?? 1
  }
  return Buffer.concat(out)
}

/** Cuts a text at the given places. */
function cut(text: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (text.length + 1)), text.length].toSorted((a, b) => a - b)
  return at.slice(1).map((end, index) => text.subarray(at[index], end))
}

function rewrite(chunks: readonly Buffer[], values: ReadonlyMap<string, Buffer>): Buffer {
  const interpreter = new Interpreter(createSymbolTable([...values.keys()]), values)
  return Buffer.concat([...chunks.flatMap((chunk) => interpreter.push(chunk)), ...interpreter.end()])
}

const lwsgs = new Map(
  Object.entries({ $lwsgs_user: 'alice', $lwsgs_auth: '5', $lwsgs_email: 'alice@mail.test' }).map(([k, v]) => [k, Buffer.from(v)])
)

describe('rewriting', () => {
  for (const [text, expected] of [
    ['', ''],
    ['no symbol', 'no symbol'],
    ['$lwsgs_user', 'alice'],
    ['"$lwsgs_user"', '"alice"'],
    ['$lwsgs_user$lwsgs_auth$lwsgs_email', 'alice5alice@mail.test'],
    ['$$lwsgs_user', '$alice'],
    ['$lwsgs_userX', 'aliceX'],
    ['$lwsgs_usr', '$lwsgs_usr'],
    ['$lwsgs_ ', '$lwsgs_ '],
    ['$lwsgs_', '$lwsgs_'],
    ['$lwsgs_$lwsgs_user', '$lwsgs_alice'],
    ['$lwsgs_use$lwsgs_user', '$lwsgs_usealice'],
    ['$', '$'],
    ['$$$', '$$$'],
    ['$LWSGS_USER', '$LWSGS_USER'],
    ['lwsgs_user', 'lwsgs_user']
  ] as const) {
    it(`makes ${JSON.stringify(expected)} of ${JSON.stringify(text)}, wherever it is cut`, () => {
      const bytes = Buffer.from(text)
      assert.equal(rewrite([bytes], lwsgs).toString(), expected)
      assert.equal(
        rewrite(
          [...bytes].map((byte) => Buffer.of(byte)),
          lwsgs
        ).toString(),
        expected
      )
      for (let at = 0; at <= bytes.length; at++) assert.equal(rewrite(cut(bytes, [at]), lwsgs).toString(), expected)
    })
  }

  it('never looks at inserted values again', () => {
    const values = new Map([
      ['$a', Buffer.from('$b')],
      ['$b', Buffer.from('$a$b')],
      ['$c', Buffer.from('$')]
    ])
    for (const at of [0, 1, 2, 3, 4, 5]) assert.equal(rewrite(cut(Buffer.from('$a$b$cb'), [at]), values).toString(), '$b$a$b$b')
  })

  it('takes the longer symbol where one begins with another', () => {
    const values = new Map([
      ['$x', Buffer.from('1')],
      ['$xy', Buffer.from('2')],
      ['$xyz', Buffer.from('3')]
    ])
    for (let at = 0; at <= 12; at++) assert.equal(rewrite(cut(Buffer.from('$x $xy$xyz$xyw'), [at]), values).toString(), '1 232w')
  })

  it('does the same as a naive replacement, for every text, chunking and value', () => {
    const names = fc.constantFrom('$lwsgs_user', '$lwsgs_auth', '$lwsgs_email', '$a', '$ab', '$abc', '$_', '$lwsgs_u')
    const pieces = fc.oneof(
      { weight: 3, arbitrary: names },
      { weight: 2, arbitrary: names.chain((name) => fc.nat(name.length).map((length) => name.slice(0, length))) },
      { weight: 2, arbitrary: fc.constantFrom('$', '$$', '_', 'lwsgs', 'X', '\n', 'é', '😀') },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) }
    )
    const bytes = fc.oneof(
      { weight: 4, arbitrary: fc.array(pieces, { maxLength: 30 }).map((all) => Buffer.from(all.join(''))) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all)) }
    )
    const values = fc
      .uniqueArray(fc.tuple(names, fc.string({ unit: 'binary', maxLength: 12 })), { selector: ([name]) => name, maxLength: 8 })
      .map((all) => new Map(all.map(([name, value]) => [name, Buffer.from(value)] as const)))
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(), { maxLength: 12 }), values, (text, places, map) => {
        assert.deepEqual(rewrite(cut(text, places), map), naive(text, map))
      }),
      { numRuns: 3000 }
    )
  })

  it('holds back less than a symbol, however long the text is', () => {
    const interpreter = new Interpreter(createSymbolTable([...lwsgs.keys()]), lwsgs)
    const chunk = Buffer.from('$lwsgs_use'.repeat(1000))
    let put = 0
    let got = 0
    for (let i = 0; i < 50; i++) {
      put += chunk.length
      for (const part of interpreter.push(chunk)) got += part.length
      assert.ok(put - got < '$lwsgs_email'.length)
    }
  })
})

const hostile = [
  '',
  "'",
  '"',
  '`',
  '\\',
  '\\"+alert(1)+"',
  'Q"+alert(1)+"',
  '${alert(1)}',
  '</script><script>alert(1)</script>',
  '<!--',
  '-->',
  ']]>',
  '*/alert(1)/*',
  '//',
  '\n',
  '\r\n',
  '\u2028\u2029',
  '\0',
  '\u0001\u007f\u0085',
  '$lwsgs_auth',
  'zz$lwsgs_user',
  '&amp;&#39;',
  '%22',
  '\ud800',
  '\udfff\ud800',
  '😀',
  'O\u2019Hara',
  'عربي',
  '\u202egnp.exe',
  '\ufeff',
  '1e3',
  '__proto__',
  '"};alert(1);//'
]

/** What the validator of accounts lets pass, and what it does not. */
const values = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'aZ0._-\'éßאひ한😀"\\<>&$`\n\u2028') }).filter((text) => text !== ''),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 8 }),
  fc.constantFrom(...hostile)
)

const insert = (suffix: string, text: string, value: string) =>
  rewrite([Buffer.from(text)], new Map([['$lwsgs_user', Buffer.from(textKind(suffix)!.escape(value))]])).toString()

describe('an inserted value', () => {
  const accepted = ["o'hara", 'straße', 'José', '山田太郎', 'a.b_c-d', 'x2']
  it('is one that accounts may have', () => {
    for (const name of accepted) assert.equal(checkUsername(name).value, name)
  })

  it('is exactly itself in every kind of string of a script', () => {
    for (const quotes of [`"`, `'`, '`'] as const) {
      const text = `var other = 1; var user = ${quotes}$lwsgs_user${quotes}; var after = 2`
      const check = (value: string) => {
        for (const suffix of ['.js', '.mjs']) {
          const context = vm.createContext({})
          vm.runInContext(insert(suffix, text, value), context)
          assert.equal(context['user'], value)
          assert.deepEqual([context['other'], context['after']], [1, 2])
        }
      }
      for (const value of [...hostile, ...accepted]) check(value)
      fc.assert(fc.property(values, check), { numRuns: 300 })
    }
  })

  it('is exactly itself in JSON', () => {
    fc.assert(
      fc.property(values, (value) => {
        assert.deepEqual(JSON.parse(insert('.json', '{ "user": "$lwsgs_user", "n": 1 }', value)), { user: value, n: 1 })
      })
    )
  })

  it('is only references and harmless characters in HTML, SVG and XML', () => {
    for (const suffix of ['.html', '.htm', '.xhtml', '.xml', '.svg']) {
      fc.assert(
        fc.property(values, (value) => {
          const text = insert(suffix, '<p title=$lwsgs_user>', value)
          const inner = /^<p title=((?:[\w.@-]|&#\d+;)*)>$/.exec(text)?.[1]
          assert.ok(inner !== undefined, text)
          const read = inner.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
          assert.equal(read, value)
        }),
        { numRuns: 100 }
      )
    }
  })

  it('ends no string of a style sheet', () => {
    fc.assert(
      fc.property(values, (value) => {
        const inner = /^a::after \{ content: "((?:[\w.@-]|\\[0-9a-f]{6})*)" \}$/.exec(
          insert('.css', 'a::after { content: "$lwsgs_user" }', value)
        )?.[1]
        assert.ok(inner !== undefined)
        assert.equal(
          inner.replace(/\\([0-9a-f]{6})/g, (_, code) => String.fromCodePoint(Number.parseInt(code, 16))),
          value
        )
      })
    )
  })

  it('is one line in plain text', () => {
    assert.equal(insert('.txt', 'Hello $lwsgs_user!', 'a\r\nb "c" <d>'), 'Hello a  b "c" <d>!')
  })

  it('has a way into each kind of file that can be rewritten, and into no other', () => {
    for (const suffix of interpretableSuffixes) assert.equal(typeof textKind(suffix)!.escape, 'function')
    for (const suffix of ['', '.', '.php', '.exe', 'js', '.JS', 'constructor', '__proto__', '.md']) assert.equal(textKind(suffix), null)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Link, type LinkSettings } from './link.ts'

const limits = { messages: 1000, size: 1_000_000 }

/** A link whose timer is run by the test, and what it has written. */
function make(more: Partial<LinkSettings> = {}) {
  const written: unknown[][] = []
  let due: (() => void) | null = null
  const link = new Link({
    limits,
    later(run) {
      due = run
      return () => (due = null)
    },
    ...more
  })
  const tick = () => {
    const run = due
    due = null
    run?.()
  }
  return { link, written, tick, attach: () => link.attach((text) => written.push(JSON.parse(text) as unknown[])) }
}

describe('a link', () => {
  it('sends again what was not acknowledged, in order and with the same numbers', () => {
    const { link, written, attach } = make()
    link.send('message', '"a"')
    attach()
    link.send('ask', '"b",1')
    link.detach()
    link.send('answer', '1,null,2')
    assert.equal(link.resume(1), false)
    attach()
    assert.deepEqual(written, [
      ['message', 1, 'a'],
      ['ask', 2, 'b', 1],
      ['ask', 2, 'b', 1],
      ['answer', 3, 1, null, 2]
    ])
  })

  it('takes each number once, and no gap', () => {
    const { link } = make()
    assert.deepEqual(
      [2, 1, 1, 2, 4].map((n) => link.take(n)),
      ['gap', 'next', 'again', 'next', 'gap']
    )
  })

  it('begins where the other side goes on, if more may have been acknowledged than is known; but once', () => {
    const { link } = make({ handled: 3, forgotten: true })
    assert.deepEqual(
      [2, 3, 7, 9, 8].map((n) => link.take(n)),
      ['again', 'again', 'next', 'gap', 'next']
    )
    link.settle(7)
    assert.equal(link.handled, 7)
  })

  it('acknowledges what is handled without a gap: at once after 16, else by the timer', () => {
    const { link, written, tick, attach } = make()
    attach()
    for (let n = 1; n <= 20; n++) link.take(n)
    link.settle(2)
    tick()
    assert.deepEqual(written, [])
    link.settle(1)
    tick()
    assert.deepEqual(written, [['ack', 2]])
    for (let n = 3; n <= 18; n++) link.settle(n)
    assert.deepEqual(written.at(-1), ['ack', 18])
    tick()
    assert.equal(written.length, 2)
  })

  it('acknowledges again what comes again', () => {
    const { link, written, tick, attach } = make()
    attach()
    link.take(1)
    link.settle(1)
    tick()
    assert.equal(link.take(1), 'again')
    tick()
    assert.deepEqual(written, [
      ['ack', 1],
      ['ack', 1]
    ])
  })

  it('refuses an acknowledgement of what was never sent', () => {
    const { link } = make()
    link.send('message', '"a"')
    assert.deepEqual([link.acknowledge(1), link.acknowledge(2), link.acknowledge(0)], [true, false, true])
  })

  it('gives up the oldest when there are too many, or they are too large; then some are lost', () => {
    for (const [small, count] of [
      [{ messages: 3, size: 1000 }, 3],
      [{ messages: 1000, size: 9 }, 3]
    ] as const) {
      const { link, written, attach } = make({ limits: small })
      for (let n = 1; n <= 5; n++) link.send('message', `"${n}"`)
      assert.ok(link.size <= 9)
      assert.equal(link.resume(0), true)
      attach()
      assert.deepEqual(
        written.map(([, n, name]) => [n, name]),
        [
          [1, '3'],
          [2, '4'],
          [3, '5']
        ]
      )
      assert.equal(written.length, count)
      assert.equal(link.resume(2), false)
    }
  })

  it('hands over everything once and in order, however often the connection breaks', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('send a', 'send b', 'deliver a', 'deliver b', 'settle a', 'settle b') },
      { weight: 1, arbitrary: fc.constantFrom('tick a', 'tick b', 'break') }
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const sides = { a: side(), b: side() }
        let next = 0
        const reconnect = () => {
          for (const { link } of Object.values(sides)) link.detach()
          for (const one of Object.values(sides)) one.wire = []
          const received = { a: sides.a.link.handled, b: sides.b.link.handled }
          assert.equal(sides.a.link.resume(received.b), false)
          assert.equal(sides.b.link.resume(received.a), false)
          for (const one of Object.values(sides)) one.link.attach((text) => one.wire.push(text))
        }
        const run = (step: string) => {
          const [what, who] = step.split(' ') as [string, 'a' | 'b']
          if (what === 'break') return reconnect()
          const [own, other] = who === 'a' ? [sides.a, sides.b] : [sides.b, sides.a]
          if (what === 'send') {
            own.sent.push(next)
            own.link.send('message', String(next++))
          } else if (what === 'tick') own.tick()
          else if (what === 'settle') own.settle()
          else own.hear(other.wire.shift())
        }
        reconnect()
        for (const step of steps) run(step)
        reconnect()
        for (let turn = 0; turn < 4; turn++)
          for (const who of ['a', 'b'] as const) {
            const [own, other] = who === 'a' ? [sides.a, sides.b] : [sides.b, sides.a]
            while (other.wire.length > 0) own.hear(other.wire.shift())
            while (own.open.length > 0) own.settle()
            own.tick()
          }
        assert.deepEqual(sides.a.heard, sides.b.sent)
        assert.deepEqual(sides.b.heard, sides.a.sent)
        assert.deepEqual([sides.a.link.size, sides.b.link.size], [0, 0])
      }),
      { numRuns: 500 }
    )
  })
})

/** One end of a connection, by hand. */
function side() {
  const { link, tick } = make()
  const open: number[] = []
  return {
    link,
    tick,
    open,
    wire: [] as string[],
    sent: [] as number[],
    heard: [] as number[],
    hear(text: string | undefined) {
      if (text === undefined) return
      const [word, n, value] = JSON.parse(text) as [string, number, number]
      const taken = word === 'ack' ? 'ack' : link.take(n)
      assert.notEqual(taken, 'gap')
      if (taken === 'ack') assert.ok(link.acknowledge(n))
      if (taken !== 'next') return
      this.heard.push(value)
      open.push(n)
    },
    /** The newest first, so that numbers are settled out of order. */
    settle() {
      const n = open.pop()
      if (n !== undefined) link.settle(n)
    }
  }
}

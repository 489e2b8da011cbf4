import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { Browser, password } from 'fastify-gs/testing/build'
import { databaseDenylist } from './index.ts'
import {
  at,
  logIn,
  member,
  mint,
  newSetting,
  places,
  startGs,
  startMinter,
  startVerifier,
  statusOf,
  Told,
  type Setting,
  type Token
} from './testing/gs-site.ts'

type Answer = Awaited<ReturnType<Browser['post']>>

/** What is done at `acting`; alice has a session there, too, in her browser. */
interface Scene extends Setting {
  readonly acting: FastifyInstance
  readonly alice: Browser
  readonly chief: Browser
  /** Of her account. */
  readonly id: string
  readonly username: string
}

interface Cause {
  readonly name: string
  /** Of an account that is not verified yet. */
  readonly unverified?: true
  readonly before?: (scene: Scene) => Promise<unknown>
  readonly act: (scene: Scene) => Promise<Answer>
}

async function mailed({ inbox, acting, username }: Scene, path: string, body: object, subject: RegExp): Promise<string> {
  const seen = inbox.mails.length
  await new Browser(acting).post(`/lwsgs${path}`, body)
  return inbox.token(`${username}@mail.test`, subject, seen)
}

const sessionOf = async (browser: Browser) => (await browser.get('/lwsgs/session')).json<{ session: string }>().session
const grant = ({ chief, id }: Scene, body: object) => chief.post(`/lwsgs/admin/accounts/${id}/grant`, body)
const ofAdmin = (path: string) => (scene: Scene) => scene.chief.post(`/lwsgs/admin/accounts/${scene.id}/${path}`)

const ends: readonly Cause[] = [
  { name: 'a logout', act: ({ acting, alice }) => at(acting, alice).post('/lwsgs/logout') },
  {
    name: 'another login in the same browser',
    act: ({ acting, alice, username }) => at(acting, alice).post('/lwsgs/login', { username, password })
  },
  {
    name: 'the verification of the address',
    unverified: true,
    act: async ({ acting, inbox, username }) =>
      new Browser(acting).post('/lwsgs/verify-email', { token: await inbox.token(`${username}@mail.test`, /Confirm/) })
  },
  {
    name: 'a new password from another device',
    act: async ({ acting, username }) =>
      (await logIn(acting, username)).post('/lwsgs/change-password', { currentPassword: password, password: `${password}!` })
  },
  {
    name: 'a lost-password link',
    async act(scene) {
      const token = await mailed(scene, '/forgot-password', { username: scene.username }, /Set a new/)
      return new Browser(scene.acting).post('/lwsgs/forgot-password/redeem', { token })
    }
  },
  {
    name: 'a former mailbox that takes the account back',
    async act({ acting, inbox, username }) {
      const thief = await logIn(acting, username)
      let seen = inbox.mails.length
      await thief.post('/lwsgs/change-email', { email: `thief.${username}@mail.test`, currentPassword: password })
      const confirm = await inbox.token(`thief.${username}@mail.test`, /Confirm your new/, seen)
      seen = inbox.mails.length
      await thief.post('/lwsgs/change-email/redeem', { token: confirm })
      return new Browser(acting).post('/lwsgs/change-email/undo', {
        token: await inbox.token(`${username}@mail.test`, /was changed/, seen)
      })
    }
  },
  {
    name: 'the end of the account',
    act: ({ acting, alice }) => at(acting, alice).post('/lwsgs/delete-account', { currentPassword: password })
  },
  { name: 'the end of the account by an admin', act: ofAdmin('delete') },
  { name: 'a lock', act: ofAdmin('lock') },
  {
    name: 'the end of the session from another device',
    act: async ({ acting, alice, username }) =>
      (await logIn(acting, username)).send({ method: 'DELETE', url: `/lwsgs/sessions/${await sessionOf(alice)}` })
  },
  {
    name: 'the end of all other sessions',
    act: async ({ acting, username }) => (await logIn(acting, username)).send({ method: 'DELETE', url: '/lwsgs/sessions' })
  },
  {
    name: 'the end of the session by an admin',
    act: async ({ alice, chief }) => chief.post(`/lwsgs/admin/sessions/${await sessionOf(alice)}/end`)
  },
  { name: 'the end of all sessions by an admin', act: ofAdmin('end-sessions') },
  { name: 'a password that an admin has made void', act: ofAdmin('reset-password') },
  {
    name: 'a login that is one too many',
    async act({ acting, clock, username }) {
      for (let device = 0; device < 2; device++) {
        clock.advance(1)
        await logIn(acting, username)
      }
      clock.advance(1)
      return new Browser(acting).post('/lwsgs/login', { username, password })
    }
  }
]

async function groupOf({ chief, username }: Scene): Promise<string> {
  const { groups } = (await chief.get('/lwsgs/admin/groups')).json<{ groups: { id: string; name: string }[] }>()
  return groups.find(({ name }) => name === `crew.${username}`)!.id
}
async function inGroup(scene: Scene): Promise<void> {
  await scene.chief.post('/lwsgs/admin/groups', { name: `crew.${scene.username}`, level: 30 })
  await grant(scene, { group: `crew.${scene.username}` })
}

/** After these the session goes on. */
const changes: readonly Cause[] = [
  { name: 'a sector that is granted', act: (scene) => grant(scene, { sectors: ['press'] }) },
  {
    name: 'a sector that is withdrawn',
    before: (scene) => grant(scene, { sectors: ['press'] }),
    act: (scene) => grant(scene, { withdraw: ['press'] })
  },
  { name: 'a lower level', before: (scene) => grant(scene, { level: 30 }), act: (scene) => grant(scene, { level: 29 }) },
  { name: 'a group that is left', before: inGroup, act: (scene) => grant(scene, { group: null }) },
  {
    name: 'a group that is gone',
    before: inGroup,
    act: async (scene) => scene.chief.post(`/lwsgs/admin/groups/${await groupOf(scene)}/delete`)
  },
  { name: 'a new password that is due', act: ofAdmin('require-password-change') },
  { name: 'a new password that is due, of an account that is not verified', unverified: true, act: ofAdmin('require-password-change') }
]

type Where = 'the process that made the token' | 'another process of the site' | 'a process that knows nothing of tokens'
const wheres: readonly Where[] = [
  'the process that made the token',
  'another process of the site',
  'a process that knows nothing of tokens'
]

/** Cleanups of what the tests of a group have in common. */
function shared() {
  const cleanups: (() => unknown)[] = []
  after(async () => {
    for (const cleanup of cleanups) await cleanup()
  })
  return { after: (cleanup: () => unknown) => void cleanups.unshift(cleanup) } as TestContext
}

for (const [engine, open] of places) {
  for (const where of wheres) {
    describe(`a token of a session, on ${engine}, when the cause is in ${where},`, { timeout: 120_000 }, () => {
      let setting: Setting
      let [minter, acting, verifier]: FastifyInstance[] = []
      let told: Told
      let chief: Browser
      let bob: Token
      const group = shared()
      before(async () => {
        setting = newSetting(await open(group))
        told = new Told(await databaseDenylist(setting.database))
        minter = await startMinter(group, setting, { denylist: told.list })
        verifier = await startVerifier(group, setting, { denylist: await databaseDenylist(setting.database) })
        if (where === 'the process that made the token') acting = minter
        else if (where === 'another process of the site')
          acting = await startMinter(group, setting, { denylist: await databaseDenylist(setting.database) })
        else {
          acting = Fastify()
          group.after(() => acting!.close())
          await startGs(setting, acting)
        }
        bob = await mint(await member(setting, minter, 'bob'))
        chief = await logIn(acting, 'Chief')
      })

      for (const [number, { name, unverified, before, act }] of [...ends, ...changes].entries()) {
        it(`is denied by ${name}`, async () => {
          const username = `alice${number}`
          if (unverified) await new Browser(minter!).post('/lwsgs/register', { username, email: `${username}@mail.test`, password })
          const alice = unverified ? await logIn(minter!, username) : await member(setting, minter!, username)
          const { accounts } = (await chief.get('/lwsgs/admin/accounts')).json<{ accounts: { id: string; username: string }[] }>()
          const { id } = accounts.find((account) => account.username === username)!
          const scene: Scene = { ...setting, acting: acting!, alice, chief, id, username }
          await before?.(scene)
          const { token, claims } = await mint(alice)
          assert.equal(await statusOf(verifier!, token), 200)

          const answer = await act(scene)
          assert.equal(answer.statusCode, 200, answer.body)

          const isEnd = number < ends.length
          // Elsewhere it is done when it was answered.
          const isHeardOf = where === 'a process that knows nothing of tokens' || (!isEnd && where === 'another process of the site')
          if (isHeardOf) await told.sid(claims.sid)
          for (const app of [verifier!, minter!]) {
            assert.equal(await statusOf(app, token), 401)
            assert.equal(await statusOf(app, bob.token), 200)
          }
          const next = await alice.post('/token')
          if (isEnd) assert.equal(next.json<{ code: string }>().code, 'GS_JWT_REQUIRED')
          else if (name.includes('due')) assert.equal(next.json<{ code: string }>().code, 'GS_JWT_PASSWORD_CHANGE')
          else {
            const again = next.json<Token>()
            assert.notDeepEqual(again.claims.ext, claims.ext)
            assert.equal(await statusOf(verifier!, again.token), 200)
          }
        })
      }
    })
  }
}

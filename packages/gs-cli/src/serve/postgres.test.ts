import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { emptyPostgres } from 'fastify-gs/testing'
import { makeAuthority, makeCertificate } from '../testing/certificates.ts'
import { Client } from '../testing/client.ts'
import { temporaryDirectory } from '../testing/run-gs.ts'
import { freePort, linkIn, spawnServe, startMailServer, startServe, writeFiles } from '../testing/served.ts'

it('a site over TLS with its sessions in PostgreSQL is a file of a few lines', async (t) => {
  const directory = temporaryDirectory(t)
  const mail = await startMailServer(t)
  const port = await freePort()
  const authority = await makeAuthority('Servers of the test')
  const { key, cert } = await makeCertificate(authority, 'site.test')
  const config = join(directory, 'site.json')
  const keysFile = join(directory, 'site.keys')
  writeFiles(directory, {
    'site.key': key,
    'site.pem': cert,
    'members/index.html': 'for members',
    'site.json': JSON.stringify({
      vhosts: [
        {
          name: 'site.test',
          port: String(port),
          interface: '127.0.0.1',
          'host-ssl-key': `${directory}/site.key`,
          'host-ssl-cert': `${directory}/site.pem`,
          mounts: [{ mountpoint: '/members', origin: `file://${directory}/members`, 'auth-mask': '5' }],
          'ws-protocols': [
            {
              'protocol-generic-sessions': {
                'session-postgres': await emptyPostgres(),
                'email-from': 'noreply@site.test',
                'email-smtp-ip': `127.0.0.1:${mail.port}`
              }
            }
          ]
        }
      ]
    })
  })

  const refused = spawnServe(t, config)
  assert.deepEqual(await refused.exited, [1, null])
  assert.match(refused.stderr(), /^gs: The vhost site\.test has its sessions in PostgreSQL.*--keys <file>.*\.\n$/)

  const served = await startServe(t, config, ['--keys', keysFile])
  assert.equal(statSync(keysFile).mode & 0o777, 0o600)
  const alice = new Client(t, { port, host: 'site.test', tls: { ca: authority.cert } })
  const word = 'four old words here'
  const registered = await alice.submit('/lwsgs/lwsgs-register', '/lwsgs-login', {
    username: 'Alice',
    email: 'alice@mail.test',
    password: word,
    register: 'Sign up'
  })
  assert.equal(registered.status, 303)
  const link = linkIn(await mail.next())
  await alice.submit(link, '/lwsgs-confirm')
  assert.equal((await alice.get('/members/')).body, 'for members')
  assert.deepEqual([...alice.cookies.keys()], ['__Host-gs', '__Host-gs-known'])

  served.child.kill('SIGKILL')
  await served.exited
  await startServe(t, config, ['--keys', keysFile])
  assert.equal((await alice.get('/members/')).body, 'for members')
})

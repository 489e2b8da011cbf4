import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { generateJwk, jwsAlgorithms, loadKeys, signJwt, verifyJwt, type JwsAlgorithm } from 'fastify-gs-jwt'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { generate as makeCertificate } from 'selfsigned'
import { gs, gsJson, gsOnTerminal, temporaryDirectory } from '../testing/run-gs.ts'

const jwk = (...args: string[]) => gs(['jwk', ...args])
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as JWK
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'priv']
const issuer = { iss: 'https://example.com', aud: 'https://example.com' }

function writeSecret(path: string, content: string | object): string {
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 })
  return path
}

describe('gs jwk generate', () => {
  it('prints an ES256 key and nothing else', async () => {
    const { code, stdout, stderr } = await jwk('generate')
    assert.deepEqual([code, stderr], [0, ''])
    const key = JSON.parse(stdout) as JWK
    assert.deepEqual(Object.keys(key), ['alg', 'crv', 'd', 'kid', 'kty', 'use', 'x', 'y'])
    assert.deepEqual([key.alg, key.crv, key.kid], ['ES256', 'P-256', await calculateJwkThumbprint(key)])
  })

  it('says on a terminal that what it prints is a secret', async () => {
    const { code, seen } = await gsOnTerminal(['jwk', 'generate'], [])
    assert.equal(code, 0)
    assert.match(seen, /This key is a secret: whoever has it can sign\. --out <path> writes it to a file\./)
  })

  it('knows the names of all algorithms that the package has', async () => {
    const help = (await jwk('generate', '--help')).stdout.replaceAll(/\s+/g, ' ')
    for (const alg of jwsAlgorithms) assert.match(help, new RegExp(String.raw`[ ,]${alg}[ ,]`))
  })

  for (const [alg, members] of [
    ['ES512', { crv: 'P-521' }],
    ['EdDSA', { crv: 'Ed25519' }],
    ['HS384', { kty: 'oct' }]
  ] as const) {
    it(`writes an ${alg} key that a server takes, for its owner only`, async (t) => {
      const directory = temporaryDirectory(t)
      const file = join(directory, 'jwt.jwk.json')
      const { code, stdout, stderr } = await jwk('generate', '--alg', alg, '--out', file)
      const key = read(file)
      assert.deepEqual([code, stderr], [0, ''])
      assert.equal(stdout, `The ${alg} key ${key.kid} is in ${file}, which only you can read.\n`)
      assert.equal(modeOf(file), '600')
      assert.deepEqual(readdirSync(directory), ['jwt.jwk.json'])
      assert.deepEqual({ ...key, ...members }, key)
      const keys = await loadKeys({ file }, { alg: 'ES256' })
      const { token } = await signJwt({ sub: 'ann' }, { ...issuer, keys })
      assert.ok((await verifyJwt(token, { ...issuer, keys })).ok)
    })
  }

  it('writes the public key for everybody, without anything secret', async (t) => {
    const directory = temporaryDirectory(t)
    const [file, open] = [join(directory, 'key'), join(directory, 'jwks.json')]
    const { code, stdout } = await jwk('generate', '--out', file, '--public-out', open, '--kid', '2026-11')
    assert.equal(code, 0)
    assert.match(stdout, /^The ES256 key 2026-11 is in .+key, .+\nIts public part is in .+jwks\.json\.\n$/)
    assert.equal(modeOf(open), '644')
    const { x, y } = read(file)
    assert.deepEqual(read(open), { keys: [{ kty: 'EC', crv: 'P-256', x, y, kid: '2026-11', alg: 'ES256', use: 'sig' }] })
    const own = await loadKeys({ file }, { alg: 'ES256' })
    const theirs = await loadKeys({ file: open }, { alg: 'ES256' })
    const { token } = await signJwt({ sub: 'ann' }, { ...issuer, keys: own })
    assert.ok((await verifyJwt(token, { ...issuer, keys: theirs })).ok)
  })

  it('tells programs what it has written', async (t) => {
    const file = join(temporaryDirectory(t), 'key')
    const answer = await gsJson<object>(['jwk', 'generate', '--out', file])
    assert.deepEqual(answer, { kid: read(file).kid, alg: 'ES256', file, publicFile: null })
  })

  it('takes the length of an RSA key', async () => {
    const lengthOf = async (...args: string[]) => {
      const { n } = JSON.parse((await jwk('generate', '--alg', 'PS256', ...args)).stdout) as JWK
      return Buffer.from(n!, 'base64url').length * 8
    }
    assert.deepEqual([await lengthOf(), await lengthOf('--bits', '2048')], [3072, 2048])
  })

  for (const alg of ['ES384', 'EdDSA', 'PS256', 'ML-DSA-44'] as const) {
    it(`writes an ${alg} key as PEM`, async (t) => {
      const file = join(temporaryDirectory(t), 'jwt.pem')
      const { code } = await jwk('generate', '--alg', alg, '--pem', '--out', file)
      assert.equal(code, 0)
      assert.match(readFileSync(file, 'utf8'), /^-----BEGIN PRIVATE KEY-----\n[^-]+\n-----END PRIVATE KEY-----\n$/)
      const ring = await loadKeys({ file }, { alg })
      assert.equal(ring.signing(Date.now())?.alg, alg)
    })
  }

  it('prints PEM on stdout as it is', async () => {
    const { stdout } = await jwk('generate', '--pem', '--alg', 'EdDSA')
    assert.equal(createPrivateKey(stdout).asymmetricKeyType, 'ed25519')
  })

  it('leaves a file that is there as it is, also half of a pair and where a link points', async (t) => {
    const directory = temporaryDirectory(t)
    const [key, open, link] = [join(directory, 'key'), join(directory, 'open'), join(directory, 'link')]
    writeSecret(key, 'old')
    symlinkSync(join(directory, 'elsewhere'), link)
    const cases: [args: string[], refused: string][] = [
      [['--out', key], key],
      [['--out', join(directory, 'new'), '--public-out', key], key],
      [['--out', key, '--public-out', open], key],
      [['--out', link], link]
    ]
    for (const [args, refused] of cases) {
      const { code, stdout, stderr } = await jwk('generate', ...args)
      assert.deepEqual([code, stdout], [1, ''])
      assert.equal(stderr, `gs: ${refused} exists already and was not touched; choose another file, or say --force to replace it.\n`)
    }
    assert.equal(readFileSync(key, 'utf8'), 'old')
    assert.deepEqual(readdirSync(directory), ['key', 'link'])
  })

  it('makes no key when there is no place for its public part', async (t) => {
    const directory = temporaryDirectory(t)
    const { code, stdout, stderr } = await jwk(
      'generate',
      '--out',
      join(directory, 'key'),
      '--public-out',
      join(directory, 'missing', 'open')
    )
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /missing\/open cannot be written \(ENOENT\)/)
    assert.deepEqual(readdirSync(directory), [])
  })

  it('takes the place of no device, whatever it is told', async (t) => {
    const socket = join(temporaryDirectory(t), 'socket')
    const server = createServer().listen(socket)
    t.after(() => server.close())
    await once(server, 'listening')
    for (const args of [
      ['--out', socket],
      ['--out', socket, '--force'],
      ['--public-out', socket, '--force']
    ]) {
      const { code, stdout, stderr } = await jwk('generate', ...args)
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, /^gs: .+socket is no file but a device or something else that stays; choose a file\.\n$/)
    }
    assert.ok(statSync(socket).isSocket())
    assert.match((await jwk('generate', '--out', '/dev/stdout')).stderr, /no file but a device/)
  })

  it('replaces a file when that is meant, and takes the key from those who could read the old one', async (t) => {
    const file = join(temporaryDirectory(t), 'key')
    writeFileSync(file, 'old')
    chmodSync(file, 0o644)
    assert.equal((await jwk('generate', '--out', file, '--force')).code, 0)
    assert.equal(read(file).alg, 'ES256')
    assert.equal(modeOf(file), '600')
  })

  it('says where it cannot write', async (t) => {
    const directory = temporaryDirectory(t)
    const { code, stderr } = await jwk('generate', '--out', join(directory, 'missing', 'key'))
    assert.equal(code, 1)
    assert.match(stderr, /^gs: .+missing\/key cannot be written \(ENOENT\); make its directory writable .+\.\n$/)
    mkdirSync(join(directory, 'taken'))
    assert.match((await jwk('generate', '--out', join(directory, 'taken'), '--force')).stderr, /taken cannot be written \(E\w+\)/)
  })

  const wrong: Record<string, [args: string[], message: RegExp]> = {
    'an unknown algorithm': [['--alg', 'ES255'], /The algorithm ES255 is unknown; it is one of HS256, /],
    none: [['--alg', 'none'], /The algorithm none is unknown/],
    'bits of a curve': [['--bits', '4096'], /--bits is for RSA keys/],
    'too few bits': [['--alg', 'RS256', '--bits', '1024'], /It must be a whole number from 2048 to 8192/],
    'bits that are no bytes': [['--alg', 'RS256', '--bits', '2049'], /--bits must be a multiple of 8/],
    'a secret as PEM': [['--alg', 'HS256', '--pem'], /A secret has no PEM/],
    'the public part of a secret': [['--alg', 'HS256', '--public-out', 'never'], /A secret has no public part/],
    'a name in PEM': [['--pem', '--kid', 'a'], /PEM has no room for a name/],
    'PEM as JSON': [['--pem', '--json'], /PEM is no JSON/],
    'one file for both': [['--out', 'never', '--public-out', './never'], /need two files/],
    'force without a file': [['--force'], /--force goes with --out/],
    'an algorithm in the wrong place': [['ES512'], /too many arguments/]
  }
  for (const [name, [args, message]] of Object.entries(wrong)) {
    it(`refuses ${name} in one sentence`, async () => {
      const { code, stdout, stderr } = await jwk('generate', ...args)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, message)
      assert.match(stderr, /^gs: .+\n$/)
    })
  }

  it('refuses a name that no token can carry', async () => {
    const { code, stderr } = await jwk('generate', '--kid', 'k'.repeat(257))
    assert.equal(code, 1)
    assert.match(stderr, /^gs: the option kid must be a text of 1 to 256 characters .+\.\n$/)
  })
})

/** What each kind of file looks like, of which the public keys are asked. */
const files: Record<string, (alg: JwsAlgorithm) => Promise<{ text: string | object; open: JWK; passphrase?: string }>> = {
  'a private JWK': async (alg) => {
    const key = await generateJwk(alg)
    return { text: key, open: key }
  },
  'a JWKS': async (alg) => {
    const key = await generateJwk(alg)
    return { text: { keys: [key] }, open: key }
  },
  'PKCS#8': async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    return { text: String(privateKey.export({ type: 'pkcs8', format: 'pem' })), open: privateKey.export({ format: 'jwk' }) }
  },
  'encrypted PKCS#8': async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-521' })
    const text = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' })
    return { text: String(text), open: privateKey.export({ format: 'jwk' }), passphrase: 'open sesame\n' }
  },
  'a public key': async () => {
    const { publicKey } = generateKeyPairSync('ed25519')
    return { text: String(publicKey.export({ type: 'spki', format: 'pem' })), open: publicKey.export({ format: 'jwk' }) }
  },
  'a certificate': async () => {
    const { cert } = await makeCertificate([{ name: 'commonName', value: 'example.com' }], { keyType: 'ec', curve: 'P-256' })
    return { text: cert, open: new X509Certificate(cert).publicKey.export({ format: 'jwk' }) }
  }
}

describe('gs jwk public and thumbprint', () => {
  for (const [name, make] of Object.entries(files)) {
    it(`read ${name}`, async (t) => {
      const directory = temporaryDirectory(t)
      const { text, open, passphrase } = await make('ES512')
      const file = writeSecret(join(directory, 'key'), text)
      const options = passphrase === undefined ? [] : ['--passphrase-file', writeSecret(join(directory, 'passphrase'), passphrase)]
      const { code, stdout, stderr } = await jwk('public', file, ...options)
      assert.deepEqual([code, stderr], [0, ''])
      const { keys } = JSON.parse(stdout) as { keys: JWK[] }
      const [key] = keys
      const alg = open.kty === 'OKP' ? 'EdDSA' : `ES${{ 'P-256': 256, 'P-384': 384, 'P-521': 512 }[open.crv!]}`
      const thumbprint = await calculateJwkThumbprint(open)
      assert.deepEqual([keys.length, key!.x, key!.kid, key!.alg, key!.use], [1, open.x, thumbprint, alg, 'sig'])
      for (const member of secretMembers) assert.equal(Object.hasOwn(key!, member), false)
      assert.equal((await jwk('thumbprint', file, ...options)).stdout, `${thumbprint}\n`)
      assert.deepEqual(await gsJson(['jwk', 'thumbprint', file, ...options]), { keys: [{ kid: thumbprint, alg, thumbprint }] })
    })
  }

  it('have all keys of a file, with their own names', async (t) => {
    const [first, second] = [await generateJwk('ES256', { kid: 'new' }), await generateJwk('EdDSA', { kid: 'old' })]
    const file = writeSecret(join(temporaryDirectory(t), 'keys'), { keys: [first, second] })
    const { keys } = JSON.parse((await jwk('public', file)).stdout) as { keys: JWK[] }
    assert.deepEqual(
      keys.map(({ kid, alg }) => [kid, alg]),
      [
        ['new', 'ES256'],
        ['old', 'EdDSA']
      ]
    )
    const thumbprints = await Promise.all([first, second].map((key) => calculateJwkThumbprint(key)))
    assert.equal((await jwk('thumbprint', file)).stdout, `${thumbprints.join('\n')}\n`)
  })

  it('ask for the algorithm of an RSA key that does not say it', async (t) => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const file = writeSecret(join(temporaryDirectory(t), 'key'), String(privateKey.export({ type: 'pkcs1', format: 'pem' })))
    const { code, stdout, stderr } = await jwk('public', file)
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /^gs: The key in .+ does not say for which algorithm it is; say --alg, e\.g\. --alg PS256\.\n$/)
    const { keys } = JSON.parse((await jwk('public', file, '--alg', 'PS512')).stdout) as { keys: JWK[] }
    assert.deepEqual([keys[0]!.alg, keys[0]!.n], ['PS512', createPublicKey(privateKey).export({ format: 'jwk' }).n])
  })

  it('refuse what has nothing public, is damaged, missing, encrypted, or open for others', async (t) => {
    const directory = temporaryDirectory(t)
    const at = (name: string) => join(directory, name)
    const { text } = await files['encrypted PKCS#8']!('ES512')
    chmodSync(writeSecret(at('open'), await generateJwk('ES256')), 0o644)
    const cases: Record<string, [args: string[], message: RegExp]> = {
      'a secret': [[writeSecret(at('secret'), await generateJwk('HS256'))], /is a secret \(HS\), which has no public part/],
      'no key': [[writeSecret(at('text'), 'hello')], /text is damaged or no key/],
      nothing: [[at('none')], /none is missing/],
      'a key without its passphrase': [[writeSecret(at('encrypted'), text)], /encrypted/],
      'no passphrase': [[at('encrypted'), '--passphrase-file', at('none')], /The file .+none cannot be read/],
      'a wrong passphrase': [[at('encrypted'), '--passphrase-file', writeSecret(at('wrong'), 'open barley\n')], /passphrase is wrong/],
      'an open file': [[at('open')], /chmod 600/],
      'a pipe into which nobody writes': [[at('pipe')], /pipe is no file/],
      'a device without end': [['/dev/zero'], /zero is no file/]
    }
    execFileSync('mkfifo', [at('pipe')])
    for (const [name, [args, message]] of Object.entries(cases)) {
      for (const command of ['public', 'thumbprint']) {
        const { code, stdout, stderr } = await jwk(command, ...args)
        assert.deepEqual([code, stdout], [1, ''], name)
        assert.match(stderr, message, name)
        assert.match(stderr, /^gs: .+\n$/, name)
      }
    }
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooseByName, hostName } from './host-name.ts'

describe('the name in a Host header', () => {
  const cases: [string | undefined, string][] = [
    [undefined, ''],
    ['', ''],
    ['Site.Test', 'site.test'],
    ['site.test:7681', 'site.test'],
    ['site.test.:7681', 'site.test'],
    ['[::1]:7681', '::1'],
    ['site.test:80@evil.test', 'site.test:80@evil.test']
  ]
  for (const [header, name] of cases)
    it(`of ${JSON.stringify(header)} is ${JSON.stringify(name)}`, () => assert.equal(hostName(header), name))
})

describe('the vhost for a name', () => {
  const vhosts = ['first.test', 'site.test', '*.wild.test', 'www.site.test'].map((name) => ({ name }))
  const cases: [string, string][] = [
    ['site.test', 'site.test'],
    ['www.site.test', 'www.site.test'],
    ['other.site.test', 'site.test'],
    ['deep.www.site.test', 'www.site.test'],
    ['any.wild.test', '*.wild.test'],
    ['evilsite.test', 'first.test'],
    ['127.0.0.1', 'first.test'],
    ['', 'first.test']
  ]
  for (const [host, name] of cases) it(`${JSON.stringify(host)} is ${name}`, () => assert.equal(chooseByName(vhosts, host)?.name, name))

  it('is none when there is none', () => assert.equal(chooseByName([], 'site.test'), undefined))
})

import type { LwswsMember, LwswsObject } from './lwsws-json.ts'
import { quote } from './lwsws-problems.ts'
import { LwswsSection, type LwswsKeys, type LwswsReading } from './lwsws-section.ts'

const user = 'start the server as the user that it shall run as, for example with User= of systemd'
const timing = 'Node has limits of its own for slow connections'

export const globalKeys: LwswsKeys = {
  known: ['server-string'],
  idle: {
    uid: user,
    gid: user,
    username: user,
    groupname: user,
    'count-threads': 'Node serves all connections in one thread',
    'init-ssl': 'TLS is there whenever a vhost has a key and a certificate',
    'plugin-dir': 'plugins of libwebsockets cannot be loaded; an application registers its own with Fastify',
    'ws-pingpong-secs': 'websockets belong to the application',
    'timeout-secs': timing,
    'reject-service-keywords': 'clients can claim any name; limits per address protect the forms',
    'default-alpn': 'HTTP/1.1 is spoken'
  },
  counts: 'last',
  harmless: true
}

/** Reads the one `global` of all files: the value of the header `Server`, the only one that has an effect. */
export function readGlobal(roots: readonly LwswsObject[], reading: LwswsReading): string | null {
  const { problems } = reading
  let first: LwswsMember | null = null
  let serverString: string | null = null
  for (const root of roots) {
    // Its own keys: "global" and "vhosts", each checked where it is read.
    void new LwswsSection(
      root,
      'the configuration',
      { known: ['global', 'vhosts'], repeatable: ['global', 'vhosts'], counts: 'last' },
      reading
    )
    for (const member of root.members.filter(({ key }) => key === 'global')) {
      if (first !== null) {
        problems.error(member, `"global" stands here again, after ${first.file}:${first.line}; put all its keys into one object.`)
      } else if (member.value.type !== 'object') {
        problems.error(member, '"global" must be an object, like { "server-string": "site" }.')
      } else {
        serverString = readServerString(new LwswsSection(member.value, '"global"', globalKeys, reading))
      }
      first ??= member
    }
  }
  return serverString
}

function readServerString(section: LwswsSection): string | null {
  const text = section.text('server-string')
  if (text === null || /^[\x20-\x7e]+$/.test(text)) return text
  return section.error('server-string', `is ${quote(text)}; write it in ASCII.`)
}

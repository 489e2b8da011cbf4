import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryDirectory } from './run-gs.ts'
import { freePort, startMailServer, writeFiles, type MailServer } from './served.ts'

/** What somebody has who ran lwsgs: the configuration of its documentation, and pages with forms. */
export interface SampleSite {
  readonly directory: string
  /** For `gs serve`. */
  readonly config: string
  readonly port: number
  readonly sessionDb: string
  readonly mail: MailServer
}

export const adminPassword = 'jipdocesExuntomnia'
export const confounder = 'some junk of our own'

const page = (title: string, content: string) => `<!doctype html><html><head><title>${title}</title></head><body>${content}</body></html>\n`

const forms = `
<form action="lwsgs-login" method="post">
<input type="hidden" name="admin" value="needadmin/admin-login.html">
<input type="hidden" name="good" value="index.html">
<input type="hidden" name="bad" value="failed-login.html">
<input type="hidden" name="reg-good" value="post-register-ok.html">
<input type="hidden" name="reg-bad" value="post-register-fail.html">
<input type="hidden" name="forgot-good" value="sent-forgot-ok.html">
<input type="hidden" name="forgot-bad" value="sent-forgot-fail.html">
<input type="hidden" name="forgot-post-good" value="post-forgot-ok.html">
<input type="hidden" name="forgot-post-bad" value="post-forgot-fail.html">
<input type="text" name="username"><input type="password" name="password"><input type="text" name="email">
<input type="submit" value="Login"><input type="submit" name="register" value="Register"><input type="submit" name="forgot" value="Forgot">
</form>
<form action="lwsgs-logout" method="post"><input type="hidden" name="good" value="index.html"><input type="submit" value="Logout"></form>
`

const pages: Readonly<Record<string, string>> = {
  'generic-sessions-login-example.html': page('Login', forms),
  'index.html': page('Home', 'the home page'),
  'whoami.js': 'var who = "$lwsgs_user", rights = "$lwsgs_auth", mail = "$lwsgs_email"\n',
  'failed-login.html': page('Failed', 'wrong'),
  'post-register-ok.html': page('Registered', 'look at your mail'),
  'post-register-fail.html': page('Not registered', 'no'),
  'post-verify-ok.html': page('Verified', 'welcome'),
  'post-verify-fail.html': page('Not verified', 'invalid'),
  'sent-forgot-ok.html': page('Sent', 'look at your mail'),
  'sent-forgot-fail.html': page('Not sent', 'no'),
  'post-forgot-ok.html': page('Recovered', 'set a new password'),
  'post-forgot-fail.html': page('Not recovered', 'invalid'),
  'needauth/index.html': page('Members', 'for members'),
  'needauth/generic-sessions-login-example.html': page('Members', forms),
  'needauth/whoami.js': 'var who = "$lwsgs_user"\n',
  'needadmin/admin-login.html': page('Admin', 'for the admin'),
  'needadmin/generic-sessions-login-example.html': page('Admin', 'for the admin')
}

export async function makeSampleSite(t: TestContext): Promise<SampleSite> {
  const directory = temporaryDirectory(t)
  const config = join(directory, 'etc')
  const sessionDb = join(directory, 'sessions', 'lws.sqlite3')
  const mail = await startMailServer(t)
  const port = await freePort()
  const html = join(directory, 'generic-sessions')
  writeFiles(html, pages)
  writeFiles(directory, { 'sessions/.keep': '' })
  const mount = (prefix: string, folder: string, mask: string, remark: string) => `{
    # ${remark}
    "mountpoint": "${prefix}",
    "origin": "file://${html}${folder}",
    "origin": "callback://protocol-lws-messageboard",
    "default": "generic-sessions-login-example.html",
    "auth-mask": "${mask}", # a "mask" in a comment
    "interpret": { ".js": "protocol-lws-messageboard" }
  }`
  writeFiles(config, {
    conf: `# the global settings\n{ "global": { "server-string": "sample" } }\n`,
    'conf.d/site': `{ "vhosts": [ {
  "name": "localhost",
  "port": "${port}",
  "interface": "127.0.0.1",
  "mounts": [
  ${mount('/lwsgs', '', '0', 'everybody')},
  ${mount('/lwsgs/needauth', '/needauth', '5', 'verified users')},
  ${mount('/lwsgs/needadmin', '/needadmin', '7', 'the admin')}
  ],
  "ws-protocols": [ {
    "protocol-generic-sessions": {
      "status": "ok",
      "admin-user": "admin",
      "admin-password-sha1": "${createHash('sha1').update(adminPassword).digest('hex')}",
      "session-db": "${sessionDb}",
      "timeout-idle-secs": "600",
      "timeout-anon-idle-secs": "1200",
      "timeout-absolute-secs": "6000",
      "confounder": "${confounder}",
      "email-from": "noreply@site.test",
      "email-smtp-ip": "127.0.0.1:${mail.port}",
      "email-expire": "3600",
      "email-helo": "site.test",
      "email-contact-person": "Set Me <me@site.test>",
      "email-confirm-url-base": "http://localhost:${port}/lwsgs"
    },
    "protocol-lws-messageboard": { "status": "ok", "message-db": "${directory}/sessions/messageboard.sqlite3" }
  } ]
} ] }\n`
  })
  return { directory, config, port, sessionDb, mail }
}

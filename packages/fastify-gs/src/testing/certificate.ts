import type { TestContext } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

/** A certificate for the address 0.0.0.0 that nobody vouches for, valid from 2020 to 2120, with its key. Worth nothing outside of tests. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBUjCB+KADAgECAgEBMAoGCCqGSM49BAMCMA8xDTALBgNVBAMMBHRlc3QwIBcN
MjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMA8xDTALBgNVBAMMBHRlc3Qw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATo+xuhoxtLNDQZ97RpSdfWvgaYs90k
0d8mQVPkDSj8FaO3Rs9mwRWJFEGUOXHUbRwIeB81OOAK1TXMw3WT1l0oo0MwQTAP
BgNVHREECDAGhwQAAAAAMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYEFL5R4jOX
/GJnvZAMzVEJqswZZxmzMAoGCCqGSM49BAMCA0kAMEYCIQDOc9osmBpAHMmIv5P5
lgeN5p5Iy8q6at6Lo2Z7sdYTMgIhAMThunrjUH4w43wAncfMCALuRbp3H/Y4SF0y
SSj8iVde
-----END CERTIFICATE-----
`

export const certificateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgMF2JwR7Fi6GAvs2L
TkKSQBXcKWyYzFERPrejlIP5e7WhRANCAATo+xuhoxtLNDQZ97RpSdfWvgaYs90k
0d8mQVPkDSj8FaO3Rs9mwRWJFEGUOXHUbRwIeB81OOAK1TXMw3WT1l0o
-----END PRIVATE KEY-----
`

/** Has this process trust the tests' certificate until the test ends. */
export function trustCertificate(t: TestContext): void {
  const before = getCACertificates('default')
  setDefaultCACertificates([certificate])
  t.after(() => setDefaultCACertificates(before))
}

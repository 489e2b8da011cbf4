import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A message board of a test's own, which may fall over. */
export interface Board {
  readonly origin: string
  readonly start: () => Promise<void>
  /** Ends it as a power cut does. */
  readonly kill: () => Promise<void>
}

export interface BoardHouse {
  /** Another process with the same data. */
  readonly board: (port: number) => Board
  readonly clear: () => Promise<void>
}

const directoryOfBoard = join(import.meta.dirname, '../../apps/messageboard')

export function createBoardHouse(): BoardHouse {
  const data = mkdtempSync(join(tmpdir(), 'gs-e2e-board-'))
  const boards: Board[] = []

  function board(port: number): Board {
    const origin = `http://localhost:${port}`
    let child: ChildProcess | undefined
    const made: Board = {
      origin,
      async start() {
        const env = {
          ...process.env,
          PORT: String(port),
          GS_DATA_DIR: data,
          TRUST_PROXY: '127.0.0.1',
          GS_ADMIN_PASSWORD: 'the password of the admin'
        }
        const started = spawn(process.execPath, ['src/server.ts'], { cwd: directoryOfBoard, env, stdio: ['ignore', 'pipe', 'pipe'] })
        child = started
        let said = ''
        for (const output of [started.stdout, started.stderr]) output.on('data', (text: Buffer) => (said += text.toString()))
        await new Promise<void>((resolve, reject) => {
          const look = () => {
            if (said.includes('listening')) resolve()
          }
          started.stdout.on('data', look)
          started.once('close', () => reject(new Error(`The board has ended: ${said}`)))
        })
      },
      async kill() {
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
        const closed = once(child, 'close')
        child.kill('SIGKILL')
        await closed
      }
    }
    boards.push(made)
    return made
  }

  return {
    board,
    async clear() {
      for (const made of boards) await made.kill()
      rmSync(data, { recursive: true, force: true })
    }
  }
}

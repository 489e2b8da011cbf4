'use client'

import { useEffect, useId, useRef, useState, type ReactNode } from 'react'
import type { AdminGroup } from '../../client/admin-types.ts'
import { admin } from '../../texts/admin.ts'
import { Form, TextField, useText } from '../toolkit.ts'
import type { DeedProps } from './deed-props.ts'
import { levelName, namedLevels } from './levels.ts'
import { Section } from './section.tsx'
import { useSaid } from './use-said.ts'

interface RightsProps extends DeedProps {
  /** All sectors of the application. */
  readonly sectors: readonly string[]
  /** The highest level that the admin may grant. */
  readonly highestLevel: number
}

const integer = /^\d{1,3}$/

/** The level, the group and the sectors of an account. */
export function Rights({ calls, account, onDone, onRefused, sectors, highestLevel }: RightsProps): ReactNode {
  const say = useText(admin)
  const [said, tell] = useSaid()
  const [typed, setTyped] = useState('')
  const [wanted, setWanted] = useState(account.sectors)
  const [group, setGroup] = useState(account.group ?? '')
  const [groups, setGroups] = useState<readonly AdminGroup[]>([])
  const [known, setKnown] = useState(account)
  const groupId = useId()
  const place = useRef<HTMLDivElement>(null)
  const { id, level } = account
  const has = account.sectors.join()

  // What the account has now stands in the form, also when somebody else has changed it.
  if (known.level !== level || known.group !== account.group || known.sectors.join() !== has) {
    setKnown(account)
    setWanted(account.sectors)
    setGroup(account.group ?? '')
    setTyped('')
  }
  useEffect(() => {
    const field = place.current?.querySelector<HTMLInputElement>('input[name="level"]')
    if (field) field.value = String(level)
  }, [level])

  useEffect(() => {
    let current = true
    // Without them the rest can still be changed.
    void calls.groups().then((result) => current && result.ok && setGroups(result.value))
    return () => {
      current = false
    }
  }, [calls])

  const offered = groups.filter((one) => one.changeable || one.name === account.group).map(({ name }) => name)
  // It may be newer than the list.
  if (account.group !== null && !offered.includes(account.group)) offered.push(account.group)

  function save(read: (name: string) => string) {
    const chosen = Number(read('level').trim())
    return calls.grant(id, {
      ...(chosen !== level && { level: chosen }),
      ...(group !== (account.group ?? '') && { group: group === '' ? null : group }),
      sectors: wanted.filter((sector) => !account.sectors.includes(sector)),
      // What the configuration names no more stays as it is.
      withdraw: account.sectors.filter((sector) => sectors.includes(sector) && !wanted.includes(sector))
    })
  }

  function check(read: (name: string) => string): Record<string, string> {
    const chosen = read('level').trim()
    const allowed = integer.test(chosen) && Number(chosen) >= 2 && Number(chosen) <= highestLevel
    return allowed ? {} : { level: say('admin.level.wrong', { highest: highestLevel }) }
  }

  return (
    <Section heading={say('admin.rights')} said={said}>
      <div ref={place} className="gs-rights">
        <Form
          path={`/admin/accounts/${id}/grant`}
          label={say('admin.rights.save')}
          look="quiet"
          check={check}
          submit={save}
          onDone={(changed) => {
            const same = changed.level === level && changed.group === account.group && changed.sectors.join() === has
            onDone(changed)
            tell(say(same ? 'admin.rights.same' : 'admin.rights.saved'))
          }}
          onRefused={onRefused}
        >
          <TextField
            name="level"
            label={say(offered.length > 0 ? 'admin.group.level' : 'admin.level')}
            inputMode="numeric"
            autoComplete="off"
            defaultValue={String(level)}
            hint={say('admin.level.range', { highest: highestLevel, levels: namedLevels(highestLevel, say) })}
            live={integer.test(typed) && levelName(Number(typed), say)}
            onValue={(value) => setTyped(value.trim())}
          />
          {offered.length > 0 && (
            <div className="gs-field">
              <label className="gs-label" htmlFor={groupId}>
                {say('admin.group')}
              </label>
              <select
                id={groupId}
                className="gs-input"
                name="group"
                value={group}
                aria-describedby={`${groupId}-hint`}
                onChange={({ currentTarget: { value } }) => setGroup(value)}
              >
                <option value="">{say('admin.group.none')}</option>
                {offered.map((name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
              <p className="gs-hint" id={`${groupId}-hint`}>
                {say('admin.group.how')}
              </p>
            </div>
          )}
          {sectors.length > 0 && (
            <fieldset className="gs-choices">
              <legend className="gs-label">{say('admin.sectors')}</legend>
              {sectors.map((sector) => (
                <label key={sector} className="gs-check">
                  <input
                    type="checkbox"
                    name="sector"
                    value={sector}
                    checked={wanted.includes(sector)}
                    onChange={({ currentTarget: { checked } }) =>
                      setWanted((before) => (checked ? [...before, sector] : before.filter((other) => other !== sector)))
                    }
                  />
                  <bdi>{sector}</bdi>
                </label>
              ))}
            </fieldset>
          )}
        </Form>
      </div>
    </Section>
  )
}

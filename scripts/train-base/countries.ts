import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Turn } from './document.ts'

/** A profile of the World Factbook: nested headings, texts at `text`. */
type Profile = { readonly [heading: string]: Profile | string | null }

const regions = [
  'africa',
  'australia-oceania',
  'central-america-n-caribbean',
  'central-asia',
  'east-n-southeast-asia',
  'europe',
  'middle-east',
  'north-america',
  'south-america',
  'south-asia',
]
const proseCharsMin = 160

/** Questions on countries, and what the profiles tell in sentences; the CIA World Factbook, in the public domain. */
export function readCountries(folder: string): {
  readonly turns: Turn[]
  readonly texts: { place: string; text: string }[]
} {
  const profiles = regions.flatMap((region) =>
    readdirSync(join(folder, region))
      .filter((file) => file.endsWith('.json'))
      .sort()
      .map((file) => ({
        place: `${region}/${file}`,
        profile: JSON.parse(readFileSync(join(folder, region, file), 'utf8')) as Profile,
      })),
  )
  return {
    turns: profiles.flatMap(({ profile }) => questions(profile)),
    texts: profiles.flatMap(({ place, profile }) => prose(profile, place)),
  }
}

function questions(profile: Profile): Turn[] {
  const name = clean(read(profile, 'Government', 'Country name', 'conventional short form'))
  if (name === undefined || name === 'none') return []
  const capital = clean(read(profile, 'Government', 'Capital', 'name'))?.replace(/ \(.*$/, '')
  const location = clean(read(profile, 'Geography', 'Location'))
  const people = clean(read(profile, 'People and Society', 'Population'))?.match(/^[\d,]+/)?.[0]
  const languages = clean(read(profile, 'People and Society', 'Languages'))
  const adjective = clean(read(profile, 'People and Society', 'Nationality', 'adjective'))
  const government = clean(read(profile, 'Government', 'Government type'))
  const turns: Turn[] = []
  const ask = (answer: string, ...asked: string[]) => turns.push(...asked.map((question) => ({ question, answer })))
  if (capital !== undefined && capital.length < 40) {
    const answer = `The capital of ${name} is ${capital}.`
    ask(answer, `What is the capital of ${name}?`, `What is the capital of ${name}?`, `Name the capital of ${name}.`)
    ask(`${capital} is the capital of ${name}.`, `Which country has the capital ${capital}?`)
  }
  if (location !== undefined) ask(`${name} is in ${location}.`, `Where is ${name}?`, `Where is ${name} located?`)
  if (people !== undefined) ask(`About ${people} people live in ${name}.`, `How many people live in ${name}?`)
  if (languages !== undefined && languages.length < 160)
    ask(`Languages of ${name}: ${languages}.`, `What languages are spoken in ${name}?`)
  if (adjective !== undefined)
    ask(`People from ${name} are called ${adjective}.`, `What are people from ${name} called?`)
  if (government !== undefined)
    ask(`The government of ${name} is a ${government}.`, `What kind of government has ${name}?`)
  return turns
}

function prose(profile: Profile, place: string): { place: string; text: string }[] {
  const name = clean(read(profile, 'Government', 'Country name', 'conventional short form')) ?? ''
  const found: { place: string; text: string }[] = []
  const walk = (at: Profile, path: string) => {
    for (const [heading, inner] of Object.entries(at)) {
      if (inner === null) continue
      if (typeof inner !== 'string') walk(inner, heading === 'note' ? path : heading)
      else if (inner.length >= proseCharsMin)
        found.push({ place: `${place}#${path}`, text: `${name}. ${path}\n${inner.replaceAll(' ++ ', '\n')}` })
    }
  }
  walk(profile, '')
  return found
}

function read(profile: Profile, ...path: string[]): string | undefined {
  let at: Profile | string | null | undefined = profile
  for (const heading of path) at = typeof at === 'object' && at !== null ? at[heading] : undefined
  const text = typeof at === 'object' && at !== null ? at['text'] : undefined
  return typeof text === 'string' ? text : undefined
}

function clean(text: string | undefined): string | undefined {
  return text?.split(/;| \+\+ /)[0]?.trim()
}

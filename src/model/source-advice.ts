const wait = 'Wait: it is tried again by itself.'
const advice: Readonly<Record<string, string>> = {
  OTX_KEY_REFUSED:
    'Check TAXIWAY_OTX_API_KEY: renew the key at https://otx.alienvault.com/api, set it and restart the service.',
  OTX_REFUSED: 'Check TAXIWAY_OTX_URL; the log has the words of OTX.',
  OTX_NOT_FOUND: 'Check TAXIWAY_OTX_URL: there may be no OTX at this address.',
  OTX_BUSY: `${wait} If it stays, raise TAXIWAY_OTX_POLL_SECONDS.`,
  OTX_UNAVAILABLE: `${wait} OTX is often overloaded for hours; what is here is served meanwhile.`,
  OTX_UNREACHABLE: 'Check the network, DNS and any proxy between this machine and OTX.',
  OTX_TIMEOUT: `${wait} If it stays for hours, look at what is between this machine and OTX.`,
  OTX_NOT_JSON: `${wait} If it stays, check TAXIWAY_OTX_URL.`,
  OTX_NOT_A_PAGE: `${wait} If it stays, check TAXIWAY_OTX_URL.`,
  OTX_BAD_NEXT: `${wait} If it stays, check TAXIWAY_OTX_URL.`,
  OTX_FOREIGN_NEXT: 'Check TAXIWAY_OTX_URL: it must be the origin that OTX itself names.',
  OTX_BAD_ENCODING: `${wait} If it stays, look at what is between this machine and OTX.`,
  OTX_BODY_TOO_LARGE: 'Nothing: the record is passed over, and "taxiway rejections" names it.',
  OTX_EMPTY_PAGE: `${wait} OTX is overloaded.`,
  OTX_REPEATED_PAGE: `${wait} If it stays for days, report it.`,
  OTX_NO_SUCH_PAGE: `${wait} The next walk begins anew.`,
  OTX_ENDLESS_WALK: `${wait} If it stays for days, report it.`,
  OTX_LIST_SHIFTS: `${wait} Many pulses were removed at OTX just now.`,
  OTX_IDS_INCOMPLETE: `${wait} Until then, pulses that are gone at OTX may still be here.`,
  OTX_TOO_MANY_EVENTS: 'Nothing: what is gone is found by comparing the ids once a day.',
  OTX_NOTHING_SUBSCRIBED:
    'Look at https://otx.alienvault.com whether this key is still subscribed to anybody. What is here stays.',
  AUTHOR_COLLECTIONS_FULL:
    'See the authors in "taxiway source show otx"; make collections for those you want by "taxiway apply".',
  STORE_UNAVAILABLE: 'See that the database runs; the service recovers by itself.',
  CONFIG_INVALID: 'Change the setting that is named, and restart the service.',
  INTERNAL_ERROR: 'A defect of Taxiway: report it with what the log has.',
}

/** What somebody on call can do about a problem of a source. */
export function adviceOn(code: string): string {
  return advice[code] ?? `${wait} If it stays, look for ${code} in the log and in docs/errors.md.`
}

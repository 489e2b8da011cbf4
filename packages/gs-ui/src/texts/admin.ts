/** English, of what an admin does with the accounts of others. */
export const admin = {
  'admin.title': 'Administration',
  'admin.accounts': 'Accounts',
  'admin.mail': 'Mail',
  'admin.audit': 'History',
  'admin.search': 'Search by name or address',
  'admin.find': 'Search',
  'admin.state': 'Show',
  'admin.state.all': 'All',
  'admin.state.verified': 'Verified',
  'admin.state.unverified': 'Not verified',
  'admin.state.locked': 'Locked',
  'admin.none': 'No account fits.',
  'admin.more': 'Show more',
  'admin.found': '{count} accounts shown'
} as const

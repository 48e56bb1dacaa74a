/** The first is the one that is shown unless the address names another. */
export const ADMIN_TABS = ['accounts', 'keys', 'audit', 'system'] as const;
export type AdminTab = (typeof ADMIN_TABS)[number];

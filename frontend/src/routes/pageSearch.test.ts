import { expect, it } from 'vitest';
import { readAdminSearch } from './adminSearch';
import { readDatasetsSearch } from './datasetsSearch';
import { readMonitoringSearch } from './monitoringSearch';
import { readOverviewSearch } from './overviewSearch';

const ID = '11111111-1111-4111-8111-111111111111';

it('keeps of an address of the datasets what makes sense', () => {
  const address = { tab: 'loads', q: 2330, stale: true, dataset: 'US:BRK.B', run: ID, load: 'file' };
  expect(readDatasetsSearch(address)).toEqual({ ...address, q: '2330' });
  expect(
    readDatasetsSearch({ tab: 'x', q: '', stale: 'yes', dataset: '<b>', run: '7', load: 'ftp' }),
  ).toEqual({});
});

it('leaves out the tab that is shown anyway', () => {
  expect(readAdminSearch({ tab: 'accounts', actor: 'ann' })).toEqual({ actor: 'ann' });
  expect(readAdminSearch({ tab: 'audit' })).toEqual({ tab: 'audit' });
  expect(readMonitoringSearch({ tab: 'live' })).toEqual({});
});

it('knows the states and severities of alerts', () => {
  expect(readMonitoringSearch({ tab: 'alerts', state: 'firing', severity: 'critical' })).toEqual({
    tab: 'alerts',
    state: 'firing',
    severity: 'critical',
  });
  expect(readMonitoringSearch({ state: 'gone', severity: 'awful' })).toEqual({});
});

it('takes a watchlist by its id only', () => {
  expect(readOverviewSearch({ list: ID })).toEqual({ list: ID });
  expect(readOverviewSearch({ list: 'mine' })).toEqual({});
});

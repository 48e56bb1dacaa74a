import { Group } from '@mantine/core';
import { Link, Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { live } from '@/api/live';
import { useLiveState } from '@/shared/live/hooks';
import { LiveBadge } from '@/shared/ui/LiveBadge';
import { AccountMenu } from './AccountMenu';
import { LiveBridge } from './LiveBridge';
import { MarketClock } from './MarketClock';
import { OfflineBanner } from './OfflineBanner';
import { PageLinks } from './PageLinks';
import { LanguageToggle, ThemeToggle } from './Preferences';
import { SearchBox } from './SearchBox';
import classes from './Shell.module.css';

/** What every page stands in: pages at the left, or on a phone as tabs at the bottom, and the bar on top. */
export function Shell() {
  const { t } = useTranslation();
  return (
    <div className={classes.shell}>
      <LiveBridge />
      <a href="#main" className="skip-link">
        {t('nav.skip')}
      </a>
      <aside className={classes.sidebar}>
        <Brand />
        <nav className={classes.links} aria-label={t('nav.label')}>
          <PageLinks className={classes.link} />
        </nav>
      </aside>
      <TopBar />
      <main id="main" className={classes.main} tabIndex={-1}>
        <OfflineBanner />
        <Outlet />
      </main>
      <nav className={classes.tabs} aria-label={t('nav.label')}>
        <PageLinks className={classes.tab} />
      </nav>
    </div>
  );
}

function Brand() {
  return (
    <Link to="/" className={classes.brand} aria-label="Stock MLOps">
      <img src="/favicon.svg" width={28} height={28} alt="" />
      <span>Stock MLOps</span>
    </Link>
  );
}

function TopBar() {
  const state = useLiveState(live.predictions);
  return (
    <header className={classes.header}>
      <div className={classes.search}>
        <SearchBox />
      </div>
      <div className={classes.clock}>
        <MarketClock />
      </div>
      <LiveBadge state={state} />
      <Group gap={0} wrap="nowrap">
        <AccountMenu />
        <ThemeToggle />
        <LanguageToggle />
      </Group>
    </header>
  );
}

import { Anchor, Group, Stack } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './FramedReport.module.css';

interface FramedReportProps {
  /** its signed address; a newer one of the same report changes nothing that is shown */
  pageUrl: string;
  /** which report it is: another one is loaded */
  title: string;
  /** what else one can do with it */
  actions?: ReactNode;
}

/** A report that draws itself by scripts of its own, in a frame that may run them and do nothing else. */
export function FramedReport(props: FramedReportProps) {
  return <Frame key={props.title} {...props} />;
}

function Frame({ pageUrl, title, actions }: FramedReportProps) {
  const { t } = useTranslation();
  const [first] = useState(pageUrl);
  return (
    <Stack gap="sm">
      <Group justify="flex-end" gap="md">
        {actions}
        <Anchor fz="sm" href={pageUrl} target="_blank" rel="noreferrer">
          {t('framed.tab')} <IconExternalLink size={14} style={{ verticalAlign: '-0.15em' }} aria-hidden />
        </Anchor>
      </Group>
      <iframe
        className={classes.frame}
        src={first}
        title={title}
        sandbox="allow-scripts"
        data-testid="framed-report"
      />
    </Stack>
  );
}

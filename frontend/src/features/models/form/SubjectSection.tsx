import {
  Group,
  MultiSelect,
  NumberInput,
  SegmentedControl,
  Select,
  SimpleGrid,
  TextInput,
} from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Dataset } from '@/api/datasets';
import type { ModelTypeOption } from '@/api/modelOptions';
import { FormSection } from './FormSection';
import type { SectionProps } from './types';

const LONGEST = 60;

interface SubjectSectionProps extends SectionProps {
  datasets: readonly Dataset[];
  option: ModelTypeOption | undefined;
}

/** What is forecast: a stock or a panel of stocks, how far ahead, its return or its direction. */
export function SubjectSection(props: SubjectSectionProps) {
  const { t } = useTranslation();
  const { form, change, errors, option } = props;
  const tasks = option?.tasks ?? [];
  return (
    <FormSection
      section="subject"
      number={1}
      title={t('modelForm.subject.title')}
      description={t('modelForm.subject.detail')}
    >
      <Group>
        <SegmentedControl
          aria-label={t('modelForm.subject.kind')}
          value={form.kind}
          onChange={(kind) => {
            change({ kind: kind === 'panel' ? 'panel' : 'stock' });
          }}
          data={[
            { value: 'stock', label: t('modelForm.subject.stock') },
            { value: 'panel', label: t('modelForm.subject.panel') },
          ]}
        />
      </Group>
      {form.kind === 'stock' ? <StockInput {...props} /> : <PanelInputs {...props} />}
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <NumberInput
          label={t('modelForm.subject.horizon')}
          description={t('modelForm.subject.horizonHint')}
          value={form.horizon}
          onChange={(horizon) => {
            change({ horizon });
          }}
          min={1}
          max={LONGEST}
          clampBehavior="none"
          allowDecimal={false}
          error={errors.horizon}
          data-testid="form-horizon"
        />
        <Select
          label={t('modelForm.subject.task')}
          description={t('modelForm.subject.taskHint')}
          value={form.task ?? tasks[0] ?? 'regression'}
          onChange={(task) => {
            if (task) change({ task });
          }}
          data={tasks.map((task) => ({ value: task, label: t(`modelForm.task.${task}`) }))}
          error={errors.task}
        />
      </SimpleGrid>
    </FormSection>
  );
}

function StockInput({ form, change, errors, datasets }: SubjectSectionProps) {
  const { t } = useTranslation();
  const chosen = form.ticker ? `${form.exchange}:${form.ticker}` : null;
  const known = datasets.map((item) => ({
    value: `${item.exchange}:${item.ticker}`,
    label: item.name ? `${item.ticker} · ${item.name}` : item.ticker,
    exchange: item.exchange,
  }));
  const groups = [...new Set(known.map((item) => item.exchange))];
  return (
    <Select
      label={t('modelForm.subject.ticker')}
      placeholder={t('modelForm.subject.tickerPlaceholder')}
      description={t('modelForm.subject.tickerHint')}
      searchable
      required
      value={chosen}
      onChange={(value) => {
        const [exchange = '', ticker = ''] = value?.split(':') ?? [];
        change({ exchange, ticker });
      }}
      data={groups.map((group) => ({ group, items: known.filter((item) => item.exchange === group) }))}
      nothingFoundMessage={t('search.nothing')}
      error={errors.ticker ?? errors.exchange}
      data-testid="form-ticker"
    />
  );
}

function PanelInputs({ form, change, errors, datasets }: SubjectSectionProps) {
  const { t } = useTranslation();
  const exchanges = [...new Set(datasets.map((item) => item.exchange))];
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label={t('modelForm.subject.panelName')}
          description={t('modelForm.subject.panelHint')}
          placeholder="tech"
          required
          value={form.panel}
          onChange={(event) => {
            change({ panel: event.currentTarget.value });
          }}
          error={errors.panel}
          data-testid="form-panel"
        />
        <Select
          label={t('modelForm.subject.exchange')}
          description={t('modelForm.subject.exchangeHint')}
          value={form.exchange}
          onChange={(exchange) => {
            if (exchange) change({ exchange, tickers: [] });
          }}
          data={exchanges.length > 0 ? exchanges : [form.exchange]}
          error={errors.exchange}
        />
      </SimpleGrid>
      <MultiSelect
        label={t('modelForm.subject.members')}
        placeholder={form.tickers.length === 0 ? t('modelForm.subject.membersPlaceholder') : undefined}
        searchable
        required
        clearable
        value={[...form.tickers]}
        onChange={(tickers) => {
          change({ tickers });
        }}
        data={datasets.filter((item) => item.exchange === form.exchange).map((item) => item.ticker)}
        nothingFoundMessage={t('search.nothing')}
        error={errors.tickers}
      />
    </>
  );
}

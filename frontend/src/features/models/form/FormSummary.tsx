import { Alert, Button, Card, Stack, Text, Title } from '@mantine/core';
import { IconSchool } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useModelTypeText } from '@/features/forecast/modelTypeText';
import { useFormat } from '@/shared/format/useFormat';
import { Metric } from '@/shared/ui/Metric';
import { NotAllowed } from '@/shared/ui/NotAllowed';
import { ProblemAlert } from '@/shared/ui/States';
import classes from './NewModelPage.module.css';
import type { ModelForm } from './formState';

interface FormSummaryProps {
  form: ModelForm;
  features: number;
  allowed: boolean;
  /** what is being done: only defined, or trained as well */
  pending: 'define' | 'train' | null;
  /** fields that were refused, and can be seen in the form */
  wrong: number;
  /** any other failure */
  error: unknown;
  onDefine: () => void;
}

/** What will be made of the form, and the buttons that make it. */
export function FormSummary(props: FormSummaryProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const text = useModelTypeText();
  const { form, features, allowed, pending, wrong, error } = props;
  const subject =
    form.kind === 'stock'
      ? form.ticker && `${form.exchange}:${form.ticker}`
      : form.panel && t('models.panel', { name: form.panel, count: form.tickers.length });
  return (
    <Card component="aside" className={classes.summary} aria-label={t('modelForm.summary.title')}>
      <Stack gap="sm">
        <Title order={2} fz="md">
          {t('modelForm.summary.title')}
        </Title>
        <Metric label={t('modelForm.summary.subject')}>{subject || '–'}</Metric>
        <Metric label={t('modelForm.summary.model')}>{text.title(form.modelType)}</Metric>
        <Metric label={t('modelForm.summary.horizon')}>
          {t('models.sessions', { count: Number(form.horizon) || 0 })}
        </Metric>
        <Metric label={t('modelForm.summary.features')}>{format.integer(features)}</Metric>
        <Metric label={t('modelForm.summary.validation')}>
          {t(`modelForm.scheme.${form.scheme}.title`)} · {form.folds}
        </Metric>
        <Text fz="xs" className="muted">
          {t('modelForm.summary.hint')}
        </Text>
        <Button
          type="submit"
          leftSection={<IconSchool size={16} />}
          disabled={!allowed || pending === 'define'}
          loading={pending === 'train'}
          data-testid="form-train"
        >
          {t('modelForm.summary.train')}
        </Button>
        <Button
          variant="default"
          disabled={!allowed || pending === 'train'}
          loading={pending === 'define'}
          onClick={props.onDefine}
          data-testid="form-define"
        >
          {t('modelForm.summary.define')}
        </Button>
        <NotAllowed when={!allowed} />
        {wrong > 0 && (
          <Alert color="red" role="alert" data-testid="form-wrong">
            {t('modelForm.summary.wrong', { count: wrong })}
          </Alert>
        )}
        {error != null && <ProblemAlert error={error} />}
      </Stack>
    </Card>
  );
}

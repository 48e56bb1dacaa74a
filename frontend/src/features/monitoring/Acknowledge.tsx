import { Button, Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { useAcknowledge, type Alert } from '@/api/alerts';
import { useAlertText } from '@/features/alerts/useAlertText';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { FormDialog } from '@/shared/ui/FormDialog';

/** Says that one has seen to an alert, with a word about it; for operators. */
export function Acknowledge({ alert }: { alert: Alert }) {
  const { t } = useTranslation();
  const allowed = useMay('write');
  const { title } = useAlertText(alert);
  const [asking, setAsking] = useState(false);
  if (alert.acknowledged_at || !allowed) return null;
  return (
    <>
      <Button
        size="compact-sm"
        variant="light"
        flex="none"
        aria-label={t('alerts.acknowledgeOf', { title })}
        onClick={() => {
          setAsking(true);
        }}
        data-testid="acknowledge"
      >
        {t('alerts.acknowledge')}
      </Button>
      {asking && (
        <AcknowledgeDialog
          alert={alert}
          onClose={() => {
            setAsking(false);
          }}
        />
      )}
    </>
  );
}

function AcknowledgeDialog({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  const { t } = useTranslation();
  const { title } = useAlertText(alert);
  const acknowledge = useAcknowledge();
  const [comment, setComment] = useState('');
  const errors = useFieldErrors(acknowledge.error, ['comment']);
  return (
    <FormDialog
      title={t('alerts.acknowledge')}
      submit={t('alerts.acknowledge')}
      pending={acknowledge.isPending}
      onClose={onClose}
      onSubmit={() => {
        acknowledge.mutate({ id: alert.alert_id, comment }, { onSuccess: onClose });
      }}
    >
      <Text fz="sm">{title}</Text>
      <Textarea
        label={t('alerts.comment')}
        description={t('alerts.commentHint')}
        rows={3}
        value={comment}
        onChange={(event) => {
          setComment(event.currentTarget.value);
        }}
        error={errors.fields.comment}
        data-autofocus
        data-testid="alert-comment"
      />
      <FormProblem error={acknowledge.error} errors={errors} />
    </FormDialog>
  );
}

import { Alert, Button, Checkbox, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconShieldX } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ModelDetail } from '@/api/models';
import { usePromote } from '@/api/modelVersions';
import { useApiText } from '@/i18n/useApiText';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { toProblem, type FieldError } from '@/shared/problem';
import { Dialog } from '@/shared/ui/Dialog';
import { VerdictView } from './VerdictView';

interface PromoteDialogProps {
  model: ModelDetail;
  version: number;
  onClose: () => void;
}

/** Lets a version serve once the gate agrees; shows its verdict, and lets an operator overrule it knowingly. */
export function PromoteDialog({ model, version, onClose }: PromoteDialogProps) {
  const { t } = useTranslation();
  const promote = usePromote(model.model_id);
  const [reason, setReason] = useState('');
  const [force, setForce] = useState(false);
  const errors = useFieldErrors(promote.error, ['reason']);
  const refused = toProblem(promote.error).errors.filter(({ field }) => field.startsWith('gate.'));
  return (
    <Dialog
      onClose={onClose}
      title={t('modelDetail.promote.title', { name: model.registered_name, version })}
      size="lg"
      data-testid="promote"
    >
      {promote.isSuccess ? (
        <Stack>
          <Text fz="sm">{t('modelDetail.promote.done', { version })}</Text>
          {promote.data.verdict && <VerdictView verdict={promote.data.verdict} />}
          <Group justify="flex-end">
            <Button onClick={onClose}>{t('action.close')}</Button>
          </Group>
        </Stack>
      ) : (
        <Stack>
          <Text fz="sm">{t('modelDetail.promote.detail')}</Text>
          <TextInput
            label={t('modelDetail.reason')}
            description={t('modelDetail.reasonHint')}
            value={reason}
            error={errors.fields.reason}
            onChange={(event) => {
              setReason(event.currentTarget.value);
            }}
            data-autofocus
            data-testid="promote-reason"
          />
          {refused.length > 0 && <Refused reasons={refused} />}
          {refused.length === 0 && <FormProblem error={promote.error} errors={errors} />}
          {(refused.length > 0 || force) && (
            <Checkbox
              label={t('modelDetail.promote.force')}
              checked={force}
              onChange={(event) => {
                setForce(event.currentTarget.checked);
              }}
              data-testid="promote-force"
            />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('action.cancel')}
            </Button>
            <Button
              color={force ? 'red' : undefined}
              loading={promote.isPending}
              onClick={() => {
                promote.mutate({ version, reason, force });
              }}
              data-testid="promote-confirm"
            >
              {t(force ? 'modelDetail.promote.overrule' : 'modelDetail.promote.confirm')}
            </Button>
          </Group>
        </Stack>
      )}
    </Dialog>
  );
}

function Refused({ reasons }: { reasons: readonly FieldError[] }) {
  const { t } = useTranslation();
  const say = useApiText();
  return (
    <Alert
      role="alert"
      color="yellow"
      icon={<IconShieldX size={18} />}
      title={t('modelDetail.promote.refused')}
      data-testid="gate-refused"
    >
      <Stack gap="xs">
        {reasons.map(({ field, message, expected = '', params }) => {
          const check = field.replace('gate.', '');
          return (
            <div key={field}>
              <Text fz="sm" fw={600}>
                {t(`gate.check.${check}` as 'gate.check.calibrated', check)}
              </Text>
              <Text fz="xs">{say(`gate.${check}.got`, message, params)}</Text>
              {expected && (
                <Text fz="xs">
                  {t('gate.expected', { expected: say(`gate.${check}.expected`, expected, params) })}
                </Text>
              )}
            </div>
          );
        })}
      </Stack>
    </Alert>
  );
}

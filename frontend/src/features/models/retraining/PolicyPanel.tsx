import { Alert, Button, Group, Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import type { ModelDetail } from '@/api/models';
import {
  retrainingEvidenceQuery,
  retrainingPolicyQuery,
  useSetPolicy,
  type RetrainingPolicy,
} from '@/api/retraining';
import { PolicyFields } from '@/features/retraining/PolicyFields';
import { formOf, POLICY_FIELDS, policyOf, samePolicy } from '@/features/retraining/policyForm';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { NotAllowed } from '@/shared/ui/NotAllowed';
import { Panel } from '@/shared/ui/Panel';
import { ProblemAlert } from '@/shared/ui/States';

/** When a model is trained again, and how a challenger is tried before and after it serves. */
export function PolicyPanel({ model }: { model: ModelDetail }) {
  const { t } = useTranslation();
  const policy = useQuery(retrainingPolicyQuery(model.model_id));
  return (
    <Panel
      title={t('retraining.policy.title')}
      description={t('retraining.policy.detail')}
      data-testid="retraining-policy"
    >
      {policy.isPending && <Skeleton height={360} />}
      {policy.isError && <ProblemAlert error={policy.error} onRetry={policy.refetch} />}
      {policy.data && <Form model={model} policy={policy.data} />}
    </Panel>
  );
}

function Form({ model, policy }: { model: ModelDetail; policy: RetrainingPolicy }) {
  const { t } = useTranslation();
  const [held, setHeld] = useState(policy);
  const [form, setForm] = useState(() => formOf(policy));
  const saved = formOf(policy);
  // Somebody else saved another one: it is shown, unless this one was changed meanwhile.
  if (policy !== held) {
    setHeld(policy);
    if (samePolicy(form, formOf(held))) setForm(saved);
  }
  const evidence = useQuery(retrainingEvidenceQuery(model.model_id));
  const save = useSetPolicy(model.model_id);
  const allowed = useMay('write');
  const errors = useFieldErrors(save.error, POLICY_FIELDS);
  const same = samePolicy(form, saved);
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate(policyOf(form));
      }}
    >
      <Stack gap="lg">
        {evidence.data?.serving != null && !evidence.data.counts && (
          <Alert color="yellow" role="status">
            {t('retraining.policy.otherServes', { version: evidence.data.serving })}
          </Alert>
        )}
        <PolicyFields
          form={form}
          errors={errors}
          evidence={evidence.data}
          disabled={!allowed}
          onChange={setForm}
        />
        <FormProblem error={save.error} errors={errors} />
        <NotAllowed when={!allowed} />
        <Group justify="flex-end">
          {!same && (
            <Button
              variant="default"
              onClick={() => {
                setForm(saved);
                save.reset();
              }}
            >
              {t('retraining.policy.undo')}
            </Button>
          )}
          <Button
            type="submit"
            disabled={!allowed || same}
            loading={save.isPending}
            data-testid="policy-save"
          >
            {t('retraining.policy.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

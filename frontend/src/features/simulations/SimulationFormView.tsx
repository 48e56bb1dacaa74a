import {
  Button,
  Group,
  NumberInput,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { modelTypesQuery } from '@/api/modelOptions';
import { useStartSimulation } from '@/api/simulations';
import { useModelTypeText } from '@/features/forecast/modelTypeText';
import { PolicyFields } from '@/features/retraining/PolicyFields';
import { POLICY_FIELDS } from '@/features/retraining/policyForm';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { NotAllowed } from '@/shared/ui/NotAllowed';
import { requestOf, RETRAIN_BY, SIMULATION_FIELDS, type SimulationForm } from './simulationForm';
import { SubjectInputs } from './SubjectInputs';

const route = getRouteApi('/simulations');
const FIELDS = [...SIMULATION_FIELDS, ...POLICY_FIELDS] as const;

/** Which years of which stocks are gone through, with which models, and when they are trained again. */
export function SimulationFormView({ begin }: { begin: SimulationForm }) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const [form, setForm] = useState(begin);
  const start = useStartSimulation();
  const allowed = useMay('write');
  const errors = useFieldErrors(start.error, FIELDS);
  const change = (part: Partial<SimulationForm>) => {
    setForm({ ...form, ...part });
  };
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        start.mutate(requestOf(form), {
          onSuccess: ({ simulation_id }) => {
            void navigate({
              to: '/simulations/$simulationId',
              params: { simulationId: simulation_id },
              search: {},
            });
          },
        });
      }}
    >
      <Stack gap="md">
        <SubjectInputs form={form} change={change} errors={errors.fields} />
        <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }}>
          <ModelTypeSelect form={form} change={change} error={errors.fields.model_type} />
          <NumberInput
            label={t('simulation.form.cost')}
            description={t('simulation.form.costHint')}
            value={form.cost}
            onChange={(cost) => {
              change({ cost });
            }}
            clampBehavior="none"
            error={errors.fields.cost_bps}
            data-testid="simulation-cost"
          />
          <NumberInput
            label={t('simulation.form.verify')}
            description={t('simulation.form.verifyHint')}
            value={form.verify}
            onChange={(verify) => {
              change({ verify });
            }}
            allowDecimal={false}
            clampBehavior="none"
            error={errors.fields.verify}
            data-testid="simulation-verify"
          />
          <TextInput
            label={t('simulation.form.name')}
            description={t('simulation.form.nameHint')}
            value={form.name}
            onChange={(event) => {
              change({ name: event.currentTarget.value });
            }}
            error={errors.fields.name}
            data-testid="simulation-name"
          />
        </SimpleGrid>
        <RetrainInputs form={form} change={change} errors={errors} />
        <FormProblem error={start.error} errors={errors} />
        <NotAllowed when={!allowed} />
        <Group justify="flex-end">
          <Button
            variant="default"
            onClick={() => {
              void navigate({ search: {} });
            }}
          >
            {t('action.cancel')}
          </Button>
          <Button
            type="submit"
            leftSection={<IconPlayerPlay size={16} />}
            disabled={!allowed}
            loading={start.isPending}
            data-testid="simulation-start"
          >
            {t('simulation.form.start')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface PartProps {
  form: SimulationForm;
  change: (part: Partial<SimulationForm>) => void;
}

function ModelTypeSelect({ form, change, error }: PartProps & { error: string | undefined }) {
  const { t } = useTranslation();
  const text = useModelTypeText();
  const types = useQuery(modelTypesQuery());
  const known = (types.data ?? []).filter((item) => item.available);
  return (
    <Select
      label={t('models.filter.type')}
      description={t('simulation.form.typeHint')}
      value={form.modelType}
      data={
        known.length > 0
          ? known.map((item) => ({ value: item.name, label: text.title(item.name, item.title) }))
          : [{ value: form.modelType, label: text.title(form.modelType) }]
      }
      onChange={(modelType) => {
        if (modelType) change({ modelType });
      }}
      error={error}
      data-testid="simulation-type"
    />
  );
}

function RetrainInputs({
  form,
  change,
  errors,
}: PartProps & { errors: ReturnType<typeof useFieldErrors<(typeof FIELDS)[number]>> }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      <div>
        <Text fz="sm" fw={500} mb={4}>
          {t('simulation.form.retrain')}
        </Text>
        <SegmentedControl
          aria-label={t('simulation.form.retrain')}
          value={form.retrainBy}
          onChange={(retrainBy) => {
            change({ retrainBy });
          }}
          data={RETRAIN_BY.map((value) => ({ value, label: t(`simulation.form.by.${value}`) }))}
        />
      </div>
      {form.retrainBy === 'sessions' && (
        <NumberInput
          maw={320}
          label={t('simulation.form.every')}
          description={t('simulation.form.everyHint')}
          value={form.every}
          onChange={(every) => {
            change({ every });
          }}
          allowDecimal={false}
          clampBehavior="none"
          error={errors.fields.retrain_every}
          data-testid="simulation-every"
        />
      )}
      {form.retrainBy === 'policy' && (
        <PolicyFields
          form={form.policy}
          errors={errors}
          evidence={null}
          disabled={false}
          onChange={(policy) => {
            change({ policy });
          }}
        />
      )}
    </Stack>
  );
}

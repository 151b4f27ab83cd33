using DeepEdu.Numerics;

namespace DeepEdu.Education.Data.Simulated;

/// <summary>How a skill is learnt: the five chances of Bayesian knowledge tracing with forgetting (Corbett and Anderson 1995; forgetting as in Khajah et al. 2016).</summary>
/// <param name="Start">Known before the first answer.</param>
/// <param name="Learn">Known after an answer if not before.</param>
/// <param name="Forget">Not known after an answer if known before.</param>
/// <param name="Guess">Right though not known.</param>
/// <param name="Slip">Wrong though known.</param>
internal readonly record struct SkillChances(double Start, double Learn, double Forget, double Guess, double Slip);

/// <summary>Learners whose knowledge of each skill comes and goes as a hidden Markov chain, answer by answer to that skill; the answers to several skills are mixed in time.</summary>
/// <param name="Log">What an observer sees.</param>
/// <param name="Skills">The true chances of each skill.</param>
/// <param name="Known">For each learner and answer, whether the skill was known when it was given.</param>
internal sealed record SimulatedTracing(LearnerLog Log, SkillChances[] Skills, bool[][] Known)
{
    /// <summary>Skills with chances drawn at random: start 0.1..0.5, learn 0.05..0.3, forget 0..0.08, guess 0.1..0.3, slip 0.02..0.15.</summary>
    public static SimulatedTracing Create(ulong seed, int learners = 400, int skills = 5, int answers = 60)
    {
        Rng draw = new Rng(seed).Split(1);
        SkillChances[] chances = new SkillChances[skills];
        for (int k = 0; k < skills; k++) { chances[k] = new(Between(0.1, 0.5), Between(0.05, 0.3), Between(0, 0.08), Between(0.1, 0.3), Between(0.02, 0.15)); }
        return Create(seed, chances, learners, answers);

        double Between(double low, double high) => low + ((high - low) * draw.NextDouble());
    }

    /// <summary>Learners of skills with these chances.</summary>
    public static SimulatedTracing Create(ulong seed, SkillChances[] skills, int learners, int answers)
    {
        Rng rng = new Rng(seed).Split(2);
        LearnerSequence[] log = new LearnerSequence[learners];
        bool[][] known = new bool[learners][];
        for (int l = 0; l < learners; l++)
        {
            Rng own = rng.Split((ulong)l);
            bool[] knows = Array.ConvertAll(skills, s => own.NextDouble() < s.Start);
            Answer[] given = new Answer[answers];
            known[l] = new bool[answers];
            for (int t = 0; t < answers; t++)
            {
                int k = own.Next(skills.Length);
                SkillChances skill = skills[k];
                known[l][t] = knows[k];
                bool right = own.NextDouble() < (knows[k] ? 1 - skill.Slip : skill.Guess);
                given[t] = new($"q{(k * 10) + own.Next(10)}", [$"s{k}"], right ? 1 : 0, t);
                knows[k] = knows[k] ? own.NextDouble() >= skill.Forget : own.NextDouble() < skill.Learn;
            }
            log[l] = new($"u{l}", null, given);
        }
        return new(new("simulated tracing", log), skills, known);
    }
}

using System.Globalization;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Report;

/// <summary>What is promised of the learners that a private model was learned from.</summary>
/// <param name="Epsilon">ε that was spent.</param>
/// <param name="Delta">δ.</param>
/// <param name="Clip">The longest gradient of one learner.</param>
/// <param name="Noise">Deviation of the noise by the clip length.</param>
/// <param name="Batch">Learners a step, on average.</param>
/// <param name="Rate">The chance of a learner to be in a step; the greatest.</param>
/// <param name="Steps">Steps that a learner could be in.</param>
/// <param name="Learners">The fewest that a fold learns from.</param>
/// <param name="Trainings">In how many of the folds' trainings a learner is at most; all of them are counted.</param>
internal sealed record PrivacyTold(double Epsilon, double Delta, float Clip, double Noise, int Batch, double Rate, long Steps, int Learners, int Trainings)
{
    public const string Accountant = "Renyi divergence of the subsampled Gaussian (Mironov, Talwar and Zhang 2019), one learner more or less";

    /// <summary>The order that gives ε.</summary>
    public double Order { get; init; }

    /// <summary>Whether the noise was drawn from a seed that was typed, and can be taken off again.</summary>
    public bool Repeatable { get; init; }

    /// <summary>What of the model is covered, and how.</summary>
    public string Covered { get; init; } = "";

    /// <summary>What is said at the end of the run.</summary>
    public string Line => $"private: epsilon {Number(Epsilon)} at delta {Number(Delta)}: each learner's gradient cut to {Number(Clip)}, noise {Number(Noise)} times that, {Steps} steps of {Batch} of {Learners} learners on average{(Trainings > 1 ? $", in {Trainings} trainings together" : "")}{(Repeatable ? "; NOT private to who knows --noise-seed" : "")}";

    /// <summary>What the report says.</summary>
    public string Text => $"Covered by (epsilon, delta): the weights of the saved networks, as to each learner learned from, with all rows of it together. {Covered} The last epoch is kept, so that validation learners choose nothing. "
        + "Not covered: the numbers, curves, tables and learners of this report and of --json, which are of validation and test learners and of training losses as they are; settings that were chosen by looking at results of other runs; "
        + (Trainings > 1 ? "" : "what other runs on the same learners tell, whose epsilons add up; ") + "the number of learners. Noise and who was in which step "
        + (Repeatable ? "were drawn from --noise-seed: who knows it can take the noise off, so this run is for study only." : "were drawn from a key of the operating system that is written nowhere; a run that was interrupted holds it in last.ckpt, which is as secret as the data.")
        + " The generator, Philox, is statistically sound but no cipher.";

    public ReportTable Table => new($"Privacy: epsilon {Number(Epsilon)}, delta {Number(Delta)}{(Repeatable ? ", NOT private to who knows --noise-seed" : "")}", ["what", "value"],
    [
        ["longest gradient of a learner (clip)", Number(Clip)], ["noise, by that length", Number(Noise)], ["learners a step, on average", Number(Batch)], ["chance of a learner to be in a step", Number(Rate)], ["steps", Number(Steps)],
        ["learners learned from", Number(Learners)], ["trainings that a learner is in at most", Number(Trainings)], ["accountant", $"{Accountant}; order {Number(Order)}"],
    ]);

    /// <summary>For the manifest of the saved model.</summary>
    public StateDict Manifest(StateDict to) => to.Set("epsilon", Epsilon).Set("delta", Delta).Set("clip", Clip).Set("noise", Noise).Set("rate", Rate).Set("steps", Steps).Set("learners", Learners).Set("accountant", Accountant).Set("repeatable_noise", Repeatable);

    private static string Number(double value) => value.ToString("G4", CultureInfo.InvariantCulture);
}

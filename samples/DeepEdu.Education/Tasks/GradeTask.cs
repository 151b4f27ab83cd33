using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Education.Search;
using DeepEdu.Education.Ui;

namespace DeepEdu.Education.Tasks;

/// <summary>Grades handwriting (IDX images, or the embedded digits) or essays (a folder of ASAP-AES).</summary>
internal sealed class GradeTask : IEducationTask
{
    public string Name => "grade";

    public string NotPrivate => "whose an essay or an image is, is not known, and the words and checks of essays are taken from the texts as they are.";

    public IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop)
    {
        if (!Essays(options)) { return [new HandwritingGrading(options).Run(progress, stop)]; }
        return [new EssayGrading(options).Run(progress, stop)];
    }

    public IReadOnlyList<string> Tunes(RunOptions options) => Essays(options) ? ["lr", "batch", "hidden", "dropout"] : ["lr", "batch", "dropout"];

    public IReadOnlyList<(string Task, string[] Metrics)> Measures(RunOptions options) => [(Name, Essays(options) ? ["qwk", "lwk", "rmse", "coverage", "interval", "review", "qwk_sure", "rmse_sure", "odd"]
        : ["accuracy", "f1_macro", "sums_accuracy", "sums_brier", "sums_ece", "coverage", "review", "accuracy_sure"])];

    public Trials Trials(RunOptions options, IProgress progress) => Essays(options) ? new EssayGrading(options).Trials(progress) : new HandwritingGrading(options).Trials(progress);

    private static bool Essays(RunOptions options)
    {
        bool images = options.Data is null || TextSource.TryFind(options.Data, "*images-idx3-ubyte") is not null;
        if (images && options.Folds is not null) { throw new DataException("--folds is of essays; images have one test part."); }
        return !images && (TextSource.TryFind(options.Data!, "*.tsv") is not null ? true : throw new DataException($"{options.Data}: neither IDX images (train-images-idx3-ubyte) nor ASAP essays (asap_promptN.tsv) in this folder."));
    }
}

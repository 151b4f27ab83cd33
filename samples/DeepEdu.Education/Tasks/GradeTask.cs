using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Education.Ui;

namespace DeepEdu.Education.Tasks;

/// <summary>Grades handwriting (IDX images, or the embedded digits) or essays (a folder of ASAP-AES).</summary>
internal sealed class GradeTask : IEducationTask
{
    public string Name => "grade";

    public string NotPrivate => "whose an essay or an image is, is not known, and the words and checks of essays are taken from the texts as they are.";

    public IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop)
    {
        if (options.Data is null || TextSource.TryFind(options.Data, "*images-idx3-ubyte") is not null) { return [new HandwritingGrading(options).Run(progress, stop)]; }
        if (TextSource.TryFind(options.Data, "*.tsv") is not null) { return [new EssayGrading(options).Run(progress, stop)]; }
        throw new DataException($"{options.Data}: neither IDX images (train-images-idx3-ubyte) nor ASAP essays (asap_promptN.tsv) in this folder.");
    }
}

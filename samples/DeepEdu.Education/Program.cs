return DeepEdu.Education.Cli.App.Run(args, Console.Out, Console.Error);
